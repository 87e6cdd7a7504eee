// Reads the questions that a client may send, and makes the messages for the model.
import { AnswerError } from './limits.js'

/** The most messages of a conversation that are taken. */
export const mostMessages = 1000

/** Bytes that a question and its conversation may take up: nine for a character such as € in a form, %E2%82%AC. */
export function bodyLimit ({ MODEL_QUESTION_LENGTH, MODEL_HISTORY_LENGTH }) {
  return 100_000 + 9 * (MODEL_QUESTION_LENGTH + MODEL_HISTORY_LENGTH)
}

/**
 * Reads the body of a request, JSON or a form.
 *
 * @param {unknown} body
 * @returns {{ question: string, history: string[], conversation: string | undefined }} the history holds questions and
 * answers by turns
 * @throws {AnswerError} 400 that says what is wrong
 */
export function readConversation (body) {
  if (!isObject(body)) refuse('A question is sent as JSON, {"question":"…"}, or as a form with the field question.')
  const { question = '', history: given = [], conversation, ...others } = body
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) refuse(`"${unknown.slice(0, 50)}" is not taken; expected question, history, conversation.`)
  const history = typeof given === 'string' ? [given] : given // a form that has the field once
  if (typeof question !== 'string') refuse('The question must be a text.')
  if (!Array.isArray(history) || history.some((text) => typeof text !== 'string')) {
    refuse('The history must be a list of texts, questions and answers by turns.')
  }
  if (history.length > mostMessages) {
    refuse(`The history has ${history.length} messages; at most ${mostMessages} are taken.`)
  }
  if (conversation !== undefined && !isId(conversation)) {
    refuse('The conversation must be 1 to 64 of A-Z, a-z, 0-9 and -.')
  }
  return { question, history, conversation }
}

/**
 * Makes the messages for the model.
 *
 * @throws {AnswerError} 400 for a blank question, 413 for a text that is too long
 */
export function messagesOf ({ question, history }, settings) {
  const messages = [...history, question].map((text, index) => ({
    role: (history.length - index) % 2 === 0 ? 'user' : 'assistant',
    content: text.replaceAll('\r\n', '\n') // a form's line breaks
  }))
  return prepareMessages(messages, settings)
}

/** Checks messages, of which the last one asks, and puts the system's text before them. */
export function prepareMessages (messages, { MODEL_QUESTION_LENGTH, MODEL_HISTORY_LENGTH, MODEL_SYSTEM }) {
  const { content: question } = messages.at(-1)
  if (question.trim() === '') refuse('There is no question.')
  checkLength('question', question.length, MODEL_QUESTION_LENGTH, 'Shorten it.')
  const before = messages.slice(0, -1).reduce((length, { content }) => length + content.length, 0)
  checkLength('conversation', before, MODEL_HISTORY_LENGTH, 'Start a new one.')
  return MODEL_SYSTEM ? [{ role: 'system', content: MODEL_SYSTEM }, ...messages] : messages
}

/** Whether a value may name a conversation, or an answer. */
export function isId (value) {
  return typeof value === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(value)
}

export function isObject (value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkLength (what, length, most, advice) {
  if (length <= most) return
  throw new AnswerError(413, `The ${what} has ${length} characters; at most ${most} are taken. ${advice}`)
}

function refuse (message) {
  throw new AnswerError(400, message)
}
