// The route that takes what somebody thinks of an answer, where FEEDBACK_FILE is set.
import { requiresAuth } from 'fastify-quickstart/auth'
import { bodyLimit, isId, isObject } from './conversation.js'
import { AnswerError } from './limits.js'
import { openRecords } from './records.js'

/** Characters of the longest remark. */
const longestRemark = 2000

export default async function feedback (app, { settings }) {
  const records = openRecords('FEEDBACK_FILE', settings, app.log)
  const { MODEL_QUESTION_LENGTH, MODEL_HISTORY_LENGTH, MODEL_ANSWER_LENGTH } = settings
  const most = Math.max(MODEL_QUESTION_LENGTH, MODEL_HISTORY_LENGTH, MODEL_ANSWER_LENGTH) // of a text that was shown

  app.post('/feedback', {
    config: { name: 'feedback' },
    onRequest: requiresAuth,
    bodyLimit: bodyLimit({ MODEL_QUESTION_LENGTH: most, MODEL_HISTORY_LENGTH: most }) // for a question and an answer
  }, async (request, reply) => {
    const time = new Date().toISOString()
    await records.append({ time, user: request.user.name, ...read(request.body, most) })
    return reply.code(204).send()
  })

  app.addHook('onClose', () => records.close())
}

/** @throws {AnswerError} 400 that says what is wrong */
function read (body, most) {
  const { conversation, id, question, answer, verdict, remark } = isObject(body) ? body : {}
  const isText = (value, longest) => typeof value === 'string' && value.length <= longest
  for (const [fits, expected] of [
    [isId(conversation), 'conversation must be 1 to 64 of A-Z, a-z, 0-9 and -'],
    [id === undefined || isId(id), 'id must be that of an answer'],
    [isText(question, most), `question must be a text of at most ${most} characters`],
    [isText(answer, most), `answer must be a text of at most ${most} characters`],
    [['up', 'down'].includes(verdict), 'verdict must be up or down'],
    [remark === undefined || isText(remark, longestRemark), `remark must be a text of at most ${longestRemark}`]
  ]) if (!fits) throw new AnswerError(400, `The ${expected}.`)
  return { conversation, id, question, answer, verdict, remark }
}
