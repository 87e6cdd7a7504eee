// What `npm start` hands to fastify-cli, which loads this file with require(); the command takes address and port.
// A flag such as `--port 8080` and the variables FASTIFY_* win over it.

// Node, which reads .env for fastify-cli, takes a byte order mark for a part of the first name.
for (const [name, value] of Object.entries(process.env)) {
  if (name.startsWith('\ufeff')) process.env[name.slice(1)] ??= value
}

// fastify-cli takes its own words out of process.argv; the report has them all.
const { commandLine } = process.report.getReport().header
const usesSocket = process.env.FASTIFY_SOCKET || commandLine.some((word) => /^(--socket|-s)(=|$)/.test(word))

module.exports = {
  // An address would win over a socket.
  ...(!usesSocket && { address: process.env.HOST || '127.0.0.1' }),
  port: process.env.PORT || 5001,
  // Takes the server's options (time-outs, trusted proxies, log, …) from the `options` that app.ts exports.
  options: true,
  // The app itself ends within QUICKSTART_GRACE_SECONDS. A second later fastify-cli would end it with exit code 1.
  closeGraceDelay: (Number(process.env.QUICKSTART_GRACE_SECONDS || 10) + 1) * 1000,
  logLevel: 'info'
}
