/** The tests of the proxy once more, on epoll. */

import "../../support/on_epoll.ts";
import "./client_session_test.ts";
import "./exchange_test.ts";
import "./fast_lane_test.ts";
import "./upload_test.ts";
