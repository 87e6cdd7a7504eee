import createError from '@fastify/error'

export const InvalidSetting = createError('FST_QUICKSTART_APP_INVALID_SETTING', '%s', 500, TypeError)

export const InvalidOption = createError('FST_QUICKSTART_APP_INVALID_OPTION', '%s', 500, TypeError)
