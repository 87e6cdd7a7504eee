import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

/** Nothing from elsewhere in a page, and no HTTPS forced upon a server that has none. */
const setHeaders = helmet({
  contentSecurityPolicy: { directives: { styleSrc: ["'self'"], fontSrc: ["'self'"], upgradeInsecureRequests: null } },
  strictTransportSecurity: { includeSubDomains: false }
})

/** Sets the security headers of an answer, be it one that comes before any hook of the app. */
export function setSecurityHeaders (request: IncomingMessage, response: ServerResponse): void {
  setHeaders(request, response, () => {})
}
