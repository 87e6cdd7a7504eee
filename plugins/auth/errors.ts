import createError from '@fastify/error'

/** No credentials, or a header that is not Basic authentication as RFC 7617 has it. */
export const LoginRequired = createError('FST_QUICKSTART_AUTH_LOGIN_REQUIRED', 'A login is required', 401)

/** The same for an unknown name and for a wrong password, so that nobody learns which names exist. */
export const LoginFailed = createError('FST_QUICKSTART_AUTH_LOGIN_FAILED', 'Wrong name or password', 401)

export const TooManyFailures = createError('FST_QUICKSTART_AUTH_TOO_MANY_FAILURES', 'Too many failed logins, try again later', 429)

export const TooBusy = createError('FST_QUICKSTART_AUTH_TOO_BUSY', 'Too many logins at once, try again soon', 503)

/** The host's own lookup or check has thrown. What it threw goes to the log alone. */
export const CheckFailed = createError('FST_QUICKSTART_AUTH_CHECK_FAILED', 'The login could not be checked', 500)

/** Stops the start: options that contradict each other. */
export const InvalidOption = createError('FST_QUICKSTART_AUTH_INVALID_OPTION', 'fastify-quickstart/auth: %s', 500, TypeError)

/** Stops the start: a user that could never log in, or that should not. */
export const InvalidUser = createError('FST_QUICKSTART_AUTH_INVALID_USER', 'fastify-quickstart/auth: %s')

/** Stops the start: nobody could log in, or anybody could. */
export const NoUsers = createError('FST_QUICKSTART_AUTH_NO_USERS', 'fastify-quickstart/auth: %s')

/** Stops the start: an entry of `protect` that does not guard what it seems to. */
export const ProtectNothing = createError('FST_QUICKSTART_AUTH_PROTECT_NOTHING', 'fastify-quickstart/auth: protect names "%s", but no route declared after auth has that path')
export const ProtectTooLate = createError('FST_QUICKSTART_AUTH_PROTECT_TOO_LATE', 'fastify-quickstart/auth: protect names "%s", but the route %s was declared before auth; await the register of auth before declaring it')

/** Stops the start: the throttle is to use Redis and has nothing to talk to it with. */
export const RedisMissing = createError('FST_QUICKSTART_AUTH_REDIS_MISSING', 'fastify-quickstart/auth: throttle.redis is a URL, which needs the package ioredis: npm install ioredis')
