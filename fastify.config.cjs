// What `npm start` and `npm run dev` hand to fastify-cli, which loads this file with require().
// A flag such as `--port 8080` and the variables FASTIFY_* win over it.
module.exports = {
  address: process.env.HOST || '127.0.0.1',
  port: process.env.PORT || 5001,
  // Takes the server's options (time-outs, trusted proxies, …) from the `options` that app.ts exports.
  options: true,
  logLevel: 'info',
  prettyLogs: process.env.NODE_ENV !== 'production'
}
