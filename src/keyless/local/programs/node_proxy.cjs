// Leads fetch and node:https of Node.js through HTTPS_PROXY where Node.js cannot do so itself: before 22.21 and 24.5. In every
// version it leads plain requests for the addresses of the Azure platform through HTTP_PROXY, whatever agent makes them.
// https://nodejs.org/api/cli.html#--use-env-proxy, https://undici.nodejs.org/#/docs/api/Client?id=parameter-connectoptions
"use strict";

const http = require("node:http");
const https = require("node:https");
const net = require("node:net");
const tls = require("node:tls");

const DISPATCHER = Symbol.for("undici.globalDispatcher.1"); // Where fetch finds what makes its connections.
const TIMEOUT = 10_000;

function goesStraight(host, port) {
  return (process.env.NO_PROXY ?? "").split(",").some((entry) => {
    const name = entry.trim().toLowerCase().replace(/^\*/, "");
    return name === "*" || name === host || name === `${host}:${port}` || (name.startsWith(".") && host.endsWith(name));
  });
}

// Where a machine in Azure has its metadata service and its DNS; the proxy answers for them, or refuses them.
function isPlatform(host) {
  const name = String(host ?? "").toLowerCase().replace(/^::ffff:/, "");
  return name.startsWith("169.254.") || name === "168.63.129.16" || name === "metadata.azure.internal";
}

function tunnel(variable, host, port, callback) {
  const proxy = new URL(process.env[variable]);
  const target = net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  const credentials = Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`);
  const headers = { Host: target };
  if (proxy.username) headers["Proxy-Authorization"] = `Basic ${credentials.toString("base64")}`;
  const where = { host: proxy.hostname, port: proxy.port, method: "CONNECT", path: target };
  const request = http.request({ ...where, headers, timeout: TIMEOUT, agent: false });
  request.once("timeout", () => request.destroy(new Error(`the proxy for ${target} did not answer`)));
  request.once("error", callback);
  request.once("connect", (answer, socket) => {
    if (answer.statusCode === 200) return callback(null, socket.setTimeout(0));
    socket.destroy();
    callback(new Error(`the proxy answered ${answer.statusCode} ${answer.statusMessage}`));
  });
  request.end();
}

function secure(options, callback) {
  const socket = tls.connect({ ALPNProtocols: ["http/1.1"], ...options });
  socket.once("error", callback);
  socket.once("secureConnect", () => {
    socket.off("error", callback);
    callback(null, socket.setNoDelay(true));
  });
}

function connect({ hostname, protocol, port, servername }, callback) {
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, "");
  if (protocol !== "https:" && isPlatform(host) && process.env.HTTP_PROXY) {
    return tunnel("HTTP_PROXY", host, port || 80, callback);
  }
  if (protocol !== "https:") {
    const socket = net.connect({ host, port: port || 80 });
    socket.once("error", callback);
    return socket.once("connect", () => {
      socket.off("error", callback);
      callback(null, socket.setNoDelay(true));
    });
  }
  const wanted = { host, port: port || 443, servername: servername || (net.isIP(host) ? "" : host) };
  if (goesStraight(host, String(wanted.port))) return secure(wanted, callback);
  tunnel("HTTPS_PROXY", host, wanted.port, (error, socket) => (error ? callback(error) : secure({ ...wanted, socket }, callback)));
}

function leadFetch() {
  new Response(); // Node.js loads what is behind fetch when a part of it is first used.
  const Agent = globalThis[DISPATCHER].constructor;
  globalThis[DISPATCHER] = new Agent({ connect });
}

function leadHttps(agent) {
  const { createConnection } = agent;
  agent.createConnection = function (options, callback) {
    const host = String(options.host || "localhost").toLowerCase();
    if (options.socketPath || options.socket || goesStraight(host, String(options.port))) {
      return createConnection.call(this, options, callback);
    }
    tunnel("HTTPS_PROXY", host, options.port, (error, socket) =>
      error ? callback(error) : callback(null, createConnection.call(this, { ...options, socket })),
    );
  };
}

function leadPlatform(prototype) {
  const { createConnection } = prototype;
  prototype.createConnection = function (options, callback) {
    const host = options.host || options.hostname;
    const itself = this.options?.proxyEnv; // An agent that goes through the proxy by itself.
    if (itself || options.socketPath || options.socket || typeof callback !== "function" || !isPlatform(host)) {
      return createConnection.call(this, options, callback);
    }
    tunnel("HTTP_PROXY", host, options.port || 80, callback);
  };
}

if (process.env.HTTP_PROXY) leadPlatform(http.Agent.prototype);
if (process.env.HTTPS_PROXY && !process.allowedNodeEnvironmentFlags.has("--use-env-proxy")) {
  if (typeof Response === "function") leadFetch(); // Not before Node.js 18.
  leadHttps(https.globalAgent);
}
