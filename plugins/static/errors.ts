import createError from '@fastify/error'

/** The folder to serve cannot be read, or is not a folder. */
export const InvalidRoot = createError<[string, string]>(
  'FST_QUICKSTART_STATIC_ROOT', 'fastify-quickstart/static: root "%s" %s')

/** `asset()` was asked for a file that is not served. */
export const MissingAsset = createError<[string]>(
  'FST_QUICKSTART_STATIC_MISSING_ASSET',
  'fastify-quickstart/static: asset(%s): no such file among those that are served')

/** `asset()` was called where the static plugin is not loaded. */
export const NotLoaded = createError<[string]>(
  'FST_QUICKSTART_STATIC_NOT_LOADED',
  'fastify-quickstart/static: asset(%s): the static plugin is not loaded in this part of the app; ' +
  'register it here or further out, and await that before you call asset() outside of a handler')

/** RFC 9110 section 15.5.6. */
export const MethodNotAllowed = createError<[string]>(
  'FST_QUICKSTART_STATIC_METHOD_NOT_ALLOWED', '%s is not allowed here: a file can only be read', 405)

/** RFC 9110 section 15.5.7. */
export const NotAcceptable = createError(
  'FST_QUICKSTART_STATIC_NOT_ACCEPTABLE', 'None of the accepted encodings is available', 406)

/** RFC 9110 section 15.5.13. */
export const PreconditionFailed = createError(
  'FST_QUICKSTART_STATIC_PRECONDITION_FAILED', 'The file does not meet If-Match or If-Unmodified-Since', 412)

/** RFC 9110 section 15.5.17. */
export const RangeNotSatisfiable = createError(
  'FST_QUICKSTART_STATIC_RANGE_NOT_SATISFIABLE', 'The range begins after the end of the file', 416)

/** The system does not let the server read the file, or it changed while it was sent. The cause is for the log. */
export const Unreadable = createError<[{ cause: unknown }]>(
  'FST_QUICKSTART_STATIC_UNREADABLE', 'The file cannot be read', 500)
