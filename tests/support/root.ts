/** Where the project is. */

import { fileURLToPath } from "node:url";

/** The top of the project, as a path that ends in a slash. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
