// Asks for a URL with fetch, and with node:http by three kinds of agent, and prints what each was answered.
const http = require("node:http");

const [url] = process.argv.slice(2);
const headers = { Metadata: "true" };
const get = (options) =>
  new Promise((done) => {
    http
      .get(url, { headers, ...options }, async (answer) => {
        let text = "";
        for await (const chunk of answer) text += chunk;
        done(`${answer.statusCode} ${text}`);
      })
      .on("error", (error) => done(error.message));
  });
const fetched = () =>
  fetch(url, { headers }).then(async (answer) => `${answer.status} ${await answer.text()}`, (error) => String(error.cause ?? error));

(async () => {
  for (const ask of [fetched, () => get({}), () => get({ agent: new http.Agent() }), () => get({ agent: false })]) {
    console.log(await ask());
  }
  process.exit();
})();
