/**
 * What to set, by cause and product. A remedy that does not follow from the cause is left out: a wrong one is
 * worse than none.
 *
 * @module
 */

import type { Cause, CauseFigures, CauseName } from "./causes.ts";
import { isBefore, type NamedProduct, type PoolSetting, type Product, productsNamed } from "./products.ts";
import type { SettingKind, Step } from "./products/product.ts";
import { type Server, SERVERS } from "./products/servers.ts";

/** One thing to set or to change. */
export interface Remedy {
  /** The product's name; `the backend`, `any gateway` or `Linux` for what belongs to no product. */
  readonly product: string;
  /** The setting, in the product's own words. */
  readonly setting: string;
  /** What to set it to. */
  readonly value: string;
  /** What the setting limits. Left out for what is no limit. */
  readonly kind?: SettingKind;
  /** What one such limit is for. Left out where it is no limit. */
  readonly scope?: string;
  /** What holds where nothing is set. Left out where that is not known. */
  readonly byDefault?: string;
  /** What else is to be known of it. Left out where there is nothing. */
  readonly notes?: readonly string[];
}

/** Products to name where the gateway's own is not known: those in which a cause is met most. */
const LIKELIEST: Readonly<Partial<Record<CauseName, readonly string[]>>> = {
  "pool-too-small": ["go", "nginx", "requests"],
  "many-pools": ["nginx", "go", "okhttp"],
  "used-once": ["go", "node", "requests"],
  "close-asked": ["nginx", "node", "go"],
  "leak": ["go", "node", "okhttp"],
  "request-limit": ["nginx", "kong", "envoy"],
  "backend-idle-timeout": ["envoy", "go", "nginx"],
  "gateway-idle-timeout": ["undici", "haproxy", "httpx"],
  "cap": ["envoy", "httpclient5", "go"],
  "client-side": ["nginx", "haproxy", "node"],
  "bound-source": ["go", "node", "envoy"],
};

/** A setting of the whole machine or of any program. */
function general(product: string, setting: string, value: string): Remedy {
  return { product, setting, value };
}

/**
 * What to set for a cause. Without a product it is the settings of the three products in which the cause is
 * met most.
 */
export function remediesOf({ cause, side, evidence }: Cause, product?: NamedProduct): Remedy[] {
  if (cause === "request-limit" && side === "backend") return ofServers(evidence);
  if (cause === "client-side" && side === "client") {
    return [
      general(
        "the clients",
        "keep-alive",
        "HTTP/1.1 without `Connection: close`, and connections used again",
      ),
    ];
  }
  if (cause === "cut-short" && side === "client") {
    return [general("the clients", "the time after which they leave", "above the slowest answers they want")];
  }
  const known = product === undefined ? [] : productsNamed(product.id);
  const products = known.length > 0 ? known.slice(0, 3) : (LIKELIEST[cause] ?? []).flatMap(productsNamed);
  const own = fitting(cause, products).flatMap((one) =>
    ofProduct(one, { cause, evidence, version: product?.version })
  );
  // Whose limit it is was not seen.
  const servers = cause === "request-limit" && side === undefined ? ofServers(evidence).slice(0, 2) : [];
  return [...own, ...servers, ...generalOf(cause, evidence)];
}

/** Of several products that it may be, those that can have the cause; all of them where none can. */
function fitting(cause: CauseName, products: readonly Product[]): readonly Product[] {
  if (cause !== "pool-too-small" && cause !== "many-pools") return products;
  const capped = products.filter((product) => kindOf(product, "idle cap").length > 0);
  return capped.length > 0 ? capped : products;
}

/** What is not a product's, beside its settings or where it has none. */
function generalOf(cause: CauseName, evidence: CauseFigures): Remedy[] {
  switch (cause) {
    case "backend-idle-timeout":
      return [
        general("the backend", "its keep-alive time", `longer than the gateway's idle time`),
        ...sameDefault(evidence),
      ];
    case "backend-closes":
      return [general("the backend", "keep-alive", "on, for every status; each answer with its length")];
    case "cut-short":
      return [
        general("any gateway", "the deadline for an answer", "above the slowest answers that are wanted"),
        general("any gateway", "retries", "with a budget"),
      ];
    case "ports-exhausted":
      return [
        general(
          "Linux",
          "net.ipv4.ip_local_port_range",
          "wider, to gain time: the cause that uses the ports up stays",
        ),
      ];
    case "descriptors-exhausted":
      return [general("Linux", "ulimit -n", "of the gateway above the connections of both sides together")];
    case "accept-queue":
      return [
        general(
          "Linux",
          "net.core.somaxconn",
          "and the gateway's backlog at least the clients that connect at once",
        ),
      ];
    case "bound-source":
      return [
        general(
          "any gateway",
          "the socket option IP_BIND_ADDRESS_NO_PORT",
          "set before bind(), or no source address at all",
        ),
      ];
    default:
      return [];
  }
}

interface Asked {
  readonly cause: CauseName;
  readonly evidence: CauseFigures;
  readonly version: string | undefined;
}

function ofProduct(product: Product, asked: Asked): Remedy[] {
  const { cause, evidence } = asked;
  const atLeast = (count: number | undefined) =>
    count === undefined ? "at least the concurrency" : `at least ${count}`;
  switch (cause) {
    case "pool-too-small":
    case "many-pools":
      return ofCaps(product, asked, atLeast(evidence.concurrency));
    case "used-once":
      return product.once.map(stepOf(product));
    case "close-asked": {
      const settings = product.settings.filter(({ kind, keeps }) => kind === "reuse" && keeps !== undefined);
      return settings.map((one) => toRemedy(product, one, one.keeps!, asked));
    }
    case "leak":
      return (product.leak ?? []).map(stepOf(product));
    case "request-limit":
      return kindOf(product, "request limit").map((one) =>
        toRemedy(product, one, `${moreThan(evidence.limit)} or more`, asked)
      );
    case "backend-idle-timeout":
      return kindOf(product, "idle time").map((one) =>
        toRemedy(product, one, below(evidence.idleP5Ms), asked)
      );
    case "gateway-idle-timeout":
      return kindOf(product, "idle time").map((one) =>
        toRemedy(
          product,
          one,
          "longer than the load pauses, and shorter than the backend keeps connections",
          asked,
        )
      );
    case "cap":
      return kindOf(product, "hard cap").map((one) =>
        toRemedy(product, one, atLeast(evidence.concurrency), asked)
      );
    case "client-side":
      return (product.listener ?? []).map(stepOf(product));
    case "bound-source":
      return (product.sourceAddress ?? []).map(stepOf(product));
    default:
      return [];
  }
}

/** The caps to raise; where a product's caps limit nothing by default, what else keeps connections in it. */
function ofCaps(product: Product, asked: Asked, value: string): Remedy[] {
  const caps = kindOf(product, "idle cap");
  if (caps.length > 0) return caps.map((one) => toRemedy(product, one, value, asked));
  const reuse = product.settings.filter(({ kind, keeps }) => kind === "reuse" && keeps !== undefined);
  return reuse.length > 0
    ? reuse.map((one) => toRemedy(product, one, one.keeps!, asked))
    : product.once.map(stepOf(product));
}

/** The settings of a kind that limit something. */
function kindOf({ settings }: Product, kind: SettingKind): PoolSetting[] {
  return settings.filter((one) => one.kind === kind && one.unlimited !== true);
}

function stepOf({ name }: Product): (step: Step) => Remedy {
  return ({ setting, value }) => ({ product: name, setting, value });
}

function toRemedy(product: Product, one: PoolSetting, value: string, { version }: Asked): Remedy {
  const notes = product.notes
    .filter(({ about, until }) =>
      about.includes(one.kind) && (until === undefined || version === undefined || isBefore(version, until))
    )
    .map(({ text }) => text);
  return {
    product: product.name,
    setting: one.name,
    value,
    kind: one.kind,
    scope: one.scope,
    byDefault: defaultOf(one, version),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

/** What holds by default in a version; in all of them where it is not known. */
function defaultOf({ byDefault, before }: PoolSetting, version: string | undefined): string {
  if (before === undefined) return byDefault;
  if (version !== undefined) return isBefore(version, before.version) ? before.byDefault : byDefault;
  return `${byDefault} since ${before.version}; ${before.byDefault} before`;
}

/**
 * A limit of requests at which one connection in a thousand requests is opened anew, or ten times the old
 * one.
 */
function moreThan(limit = 0): number {
  return Math.max(1000, 10 * limit);
}

/** An idle time below that of the other side: by a second, as Node's buffer, or by half of a short one. */
function below(ms: number | undefined): string {
  if (ms === undefined) return "below the time that the backend keeps an idle connection, by a second";
  return ms >= 2000 ? `${Math.floor(ms / 1000) - 1}s` : `${Math.floor(ms / 2)}ms`;
}

/**
 * The backend's limit of requests, as servers call it: those whose default it is, or all that have one. Where
 * nobody saw the limit, it is about as high as the requests of a connection are on average.
 */
function ofServers({ limit, openedPerRequest }: CauseFigures): Remedy[] {
  const about = limit === undefined && openedPerRequest !== undefined ? 1 / openedPerRequest : undefined;
  const withLimit = SERVERS.flatMap((server) =>
    server.requestLimit === undefined ? [] : [{ server, ...server.requestLimit }]
  );
  const same = withLimit.filter(({ requests = 0 }) =>
    about === undefined ? requests === limit : Math.abs(requests - about) <= about / 5
  );
  return (same.length > 0 ? same : withLimit.slice(0, 3)).map(({ server, name, byDefault }) => ({
    product: `${server.name} as the backend`,
    setting: name,
    value: `${moreThan(limit)} or more`,
    kind: "request limit",
    scope: "each connection",
    byDefault,
  }));
}

/** The servers whose default is the idle time that was seen, within a tenth. */
function sameDefault({ idleP5Ms, idleP50Ms }: CauseFigures): Remedy[] {
  const seen = idleP50Ms ?? idleP5Ms;
  const near = ({ idleTime }: Server) =>
    seen !== undefined && idleTime.ms.some((ms) => Math.abs(seen - ms) <= ms / 10);
  return SERVERS.filter(near).slice(0, 3).map(({ name, idleTime }) => ({
    product: `${name} as the backend`,
    setting: idleTime.name,
    value: "longer than the gateway's idle time",
    kind: "idle time",
    scope: "each connection",
    byDefault: idleTime.byDefault,
  }));
}
