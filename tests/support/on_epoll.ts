/** Imported first: the proxies of the tests in this process have sockets on epoll. */

import { EpollSockets } from "../../tools/transport/net_http/epoll_sockets.ts";
import { rig } from "./proxy_rig.ts";

rig.sockets = () => new EpollSockets();
