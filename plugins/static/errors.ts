import createError from '@fastify/error'

/** The folder to serve is not there, or is no folder. */
export const InvalidRoot = createError<[string, string]>('FST_QUICKSTART_STATIC_ROOT', 'fastify-quickstart/static: root "%s" %s')

/** `app.asset()` was asked for a file that is not there. */
export const MissingAsset = createError<[string]>('FST_QUICKSTART_STATIC_MISSING_ASSET', 'fastify-quickstart/static: asset(%s): no such file among those that are served')

/** RFC 9110 section 15.5.6. */
export const MethodNotAllowed = createError<[string]>('FST_QUICKSTART_STATIC_METHOD_NOT_ALLOWED', '%s is not allowed here: a file can only be read', 405)

/** RFC 9110 section 15.5.7. */
export const NotAcceptable = createError('FST_QUICKSTART_STATIC_NOT_ACCEPTABLE', 'The file is not to be had in any of the encodings that Accept-Encoding allows', 406)

/** RFC 9110 section 15.5.13. */
export const PreconditionFailed = createError('FST_QUICKSTART_STATIC_PRECONDITION_FAILED', 'The file is not as If-Match or If-Unmodified-Since requires', 412)

/** RFC 9110 section 15.5.17. */
export const RangeNotSatisfiable = createError('FST_QUICKSTART_STATIC_RANGE_NOT_SATISFIABLE', 'The range begins behind the end of the file', 416)

/** The file is there, but the system does not let the server read it. Its cause is for the log: it names the path. */
export const Unreadable = createError<[{ cause: unknown }]>('FST_QUICKSTART_STATIC_UNREADABLE', 'The file cannot be read', 500)
