// What `npm start` hands to fastify-cli, which loads this file with require(); the command takes address and port.
// A flag such as `--port 8080` and the variables FASTIFY_* win over it.
module.exports = {
  address: process.env.HOST || '127.0.0.1',
  port: process.env.PORT || 5001,
  // Takes the server's options (time-outs, trusted proxies, log, …) from the `options` that app.ts exports.
  options: true,
  logLevel: 'info'
}
