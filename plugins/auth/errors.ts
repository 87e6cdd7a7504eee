import createError from '@fastify/error'

/** No credentials, or a header that is not Basic authentication as RFC 7617 has it. */
export const LoginRequired = createError('FST_QUICKSTART_AUTH_LOGIN_REQUIRED', 'Please log in first.', 401)

/** One text for an unknown name and for a wrong password, so that nobody learns which names exist. */
export const LoginFailed = createError(
  'FST_QUICKSTART_AUTH_LOGIN_FAILED', 'The name or the password is wrong. Please try again.', 401
)

/** The answer of the logout page: in the same realm, so that the browser forgets the login it has. */
export const LoggedOut = createError('FST_QUICKSTART_AUTH_LOGGED_OUT', 'You are logged out.', 401)

/** The login is right, but the user is in none of the groups that the route asks for. */
export const NotInGroup = createError(
  'FST_QUICKSTART_AUTH_NOT_IN_GROUP', 'You are logged in, but this is not open to you.', 403
)

/** Another site's page has made the browser send this request, and the browser's login with it. */
export const CrossSite = createError(
  'FST_QUICKSTART_AUTH_CROSS_SITE', 'This came from the page of another site, and is not accepted here.', 403
)

export const TooManyFailures = createError(
  'FST_QUICKSTART_AUTH_TOO_MANY_FAILURES', 'There were too many failed logins. Please try again later.', 429
)

export const TooBusy = createError(
  'FST_QUICKSTART_AUTH_TOO_BUSY', 'There are too many logins at once. Please try again in a moment.', 503
)

/** The host's own function has thrown, or failures cannot be counted. The reason goes to the log alone. */
export const CheckFailed = createError('FST_QUICKSTART_AUTH_CHECK_FAILED', 'The login could not be checked.', 500)

/** A guard before a route whose context has no auth plugin. The log says so; the client learns as little as above. */
export const NotRegistered = createError(
  'FST_QUICKSTART_AUTH_NOT_REGISTERED', 'The login could not be checked.', 500
)

/** Stops the start: an option that does not fit, or two that exclude each other. */
export const InvalidOption = createError(
  'FST_QUICKSTART_AUTH_INVALID_OPTION', 'fastify-quickstart/auth: %s', 500, TypeError
)

/** Stops the start: a user that could never log in, or that should not. */
export const InvalidUser = createError('FST_QUICKSTART_AUTH_INVALID_USER', 'fastify-quickstart/auth: %s')

/** Stops the start: a groups file that cannot be read or has a broken line. */
export const InvalidGroup = createError('FST_QUICKSTART_AUTH_INVALID_GROUP', 'fastify-quickstart/auth: %s')

/** Stops the start: nobody could log in, or anybody could. */
export const NoUsers = createError('FST_QUICKSTART_AUTH_NO_USERS', 'fastify-quickstart/auth: %s')

/** Stops the start: an entry of `protect` that names no route. */
export const ProtectNothing = createError(
  'FST_QUICKSTART_AUTH_PROTECT_NOTHING',
  'fastify-quickstart/auth: protect names "%s", but no route has that path; ' +
    'check its spelling, which is that of a declared route, or of a folder of them as in "/area/*"'
)

/** Stops the start: the throttle is to use Redis and has no client for it. */
export const RedisMissing = createError(
  'FST_QUICKSTART_AUTH_REDIS_MISSING',
  'fastify-quickstart/auth: throttle.redis is a URL, which needs the package ioredis: ' +
    'npm install --save-prod ioredis (on a server with --omit=dev)'
)
