import createError from '@fastify/error'

export const InvalidSetting = createError('FST_QUICKSTART_APP_INVALID_SETTING', '%s', 500, TypeError)

export const ProtectWithoutAuth = createError(
  'FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH',
  'QUICKSTART_PROTECT names pages that need a login, but auth is off; switch auth on or take QUICKSTART_PROTECT away',
  500,
  TypeError
)

export const InvalidOption = createError('FST_QUICKSTART_APP_INVALID_OPTION', '%s', 500, TypeError)
