import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { openCommand } from './model-command.js'
import { openUrl } from './model-url.js'
import { AnswerError } from './queue.js'

/** The description of the model below, for the page. */
const about = 'You talk to a small imitation of ELIZA, a program of 1966: it turns your words around with a dozen ' +
  'rules and understands none of them. Your own model goes into model.js.'

/**
 * Answers the last of the messages. Put your model here: yield text, piece by piece.
 *
 * @param {{ role: 'user' | 'assistant', content: string }[]} messages the conversation so far, the question last
 * @param {object} context
 * @param {AbortSignal} context.signal fires when nobody waits for the answer any more: stop then
 * @param {string} context.user who asks
 */
async function * answer (messages, { signal, user }) {
  const { content } = messages.at(-1)
  const reply = replyTo(content, messages.length).replaceAll('NAME', user)
  for (const word of reply.split(/(?<=\s)/)) {
    yield word
    await setTimeout(25, undefined, { signal })
  }
}

/** The model that the settings name: a command, an address, or the one above. */
export function openModel (log) {
  if (settings.MODEL_COMMAND) return openCommand(settings, log)
  return settings.MODEL_URL ? openUrl(settings) : { answer, about }
}

const count = (preset) => [preset, /^[1-9]\d{0,5}$/, 'a whole number from 1 to 999999']

/** From the environment, or a file .env beside server.js: each with its default, and what fits. */
export const settings = readSettings({
  MODEL_COMMAND: ['', /\S/, 'a command such as python3 model.py'], // a process that answers, as in model-command.js
  // Or a server that speaks OpenAI's chat completions, with the model's name there and a key.
  MODEL_URL: ['', /^https?:\/\/[^@\s]+$/, 'an address such as http://127.0.0.1:11434/v1, with a key in MODEL_API_KEY'],
  MODEL_NAME: ['', /\S/, 'a name such as llama3.2'],
  MODEL_API_KEY: ['', /^[\x21-\x7e]+$/, 'printable ASCII without spaces'],
  MODEL_SLOTS: count(1), // answers at the same time
  MODEL_WAITING: count(3), // questions that one user may have waiting
  MODEL_QUESTION_LENGTH: count(4000), // characters
  MODEL_HISTORY_LENGTH: count(40_000),
  MODEL_ANSWER_LENGTH: count(20_000),
  MODEL_ANSWER_SECONDS: count(300), // for a whole answer, from its turn on
  MODEL_SILENT_SECONDS: count(60) // without a word from the model
})

function readSettings (known) {
  if (existsSync('.env')) process.loadEnvFile()
  const settings = Object.fromEntries(Object.entries(known).map(([name, [preset]]) => [name, preset]))
  for (const [name, value] of Object.entries(process.env)) {
    if (!name.startsWith('MODEL_') || value === '') continue
    if (!(name in known)) stop(`${name} is not a setting; known settings: ${Object.keys(known).join(', ')}`)
    const [preset, pattern, expected] = known[name]
    if (!pattern.test(value)) stop(`${name} does not fit; expected ${expected}`)
    settings[name] = typeof preset === 'number' ? Number(value) : value
  }
  if (settings.MODEL_COMMAND && settings.MODEL_URL) stop('both MODEL_COMMAND and MODEL_URL are set; expected one')
  return settings
}

function stop (reason) {
  console.error(`chatbot: ${reason}`)
  process.exit(1)
}

/** For the route that takes a question, and in `history` the questions and answers before it, by turns. */
export const conversation = {
  bodyLimit: 100_000 + 9 * (settings.MODEL_QUESTION_LENGTH + settings.MODEL_HISTORY_LENGTH), // € in a form: %E2%82%AC
  schema: {
    body: {
      type: 'object',
      properties: {
        question: { type: 'string', default: '' },
        history: { type: 'array', items: { type: 'string' }, maxItems: 1000, default: [] }
      }
    }
  }
}

/** The messages for the model. */
export function messagesOf ({ question, history }) {
  if (question.trim() === '') throw new AnswerError(400, 'There is no question.')
  checkLength('question', question, settings.MODEL_QUESTION_LENGTH, 'Shorten it.')
  checkLength('conversation', history.join(''), settings.MODEL_HISTORY_LENGTH, 'Start a new one.')
  return [...history, question].map((text, index) => ({
    role: (history.length - index) % 2 === 0 ? 'user' : 'assistant',
    content: text.replaceAll('\r\n', '\n') // a form's line breaks
  }))
}

function checkLength (what, { length }, most, advice) {
  if (length <= most) return
  throw new AnswerError(413, `The ${what} has ${length} characters; at most ${most} are taken. ${advice}`)
}

/** A pattern, and answers to take in turn; $1 is what the pattern's group matched, turned around. */
const rules = [
  [/\b(?:hello|hi|good (?:morning|evening|day))\b/i, ['Hello, NAME. What is on your mind?']],
  [/\b(?:who|what) are you\b|\bare you (?:an? )?(?:bot|human|machine|model|person|program|real)\b/i, [
    'I am a handful of rules that look for words in what you write. I understand nothing.']],
  [/\bcode\b/i, ['The rule that answered you is written like this:\n```js\n' +
    "[/\\bcode\\b/i, ['The rule that answered you …']]\n```\nYou find it in model.js."]],
  [/\bi need (.+)/i, ['Why do you need $1?', 'What would change if you had $1?']],
  [/\bi (?:want|would like) (.+)/i, ['What would it mean to you to have $1?', 'Why do you want $1?']],
  [/\bi (?:am|'m) (.+)/i, ['How long have you been $1?', 'How do you feel about being $1?']],
  [/\bi feel (.+)/i, ['Do you often feel $1?', 'When do you feel $1?']],
  [/\bmy (mother|father|sister|brother|wife|husband|friend|boss)\b/i, ['Tell me more about your $1.']],
  [/\bmy (.+)/i, ['Your $1? Go on.', 'What about your $1 matters most to you?']],
  [/\b(?:always|never|everybody|nobody)\b/i, ['Can you think of an exception?']],
  [/\b(?:computer|model|machine|program)\b/i, ['Do machines worry you?', 'What have machines to do with it?']],
  [/\?\s*$/, ['Why do you ask?', 'What answer would please you most?', 'What do you think?']]
]

const anythingElse = ['Please go on.', 'Tell me more about that.', 'How do you feel about it?', 'What follows from it?']

/** "my" to somebody is "your" from here. */
const turned = {
  i: 'you', me: 'you', my: 'your', mine: 'yours', myself: 'yourself', am: 'are', you: 'I', your: 'my', yours: 'mine'
}

function replyTo (text, turn) {
  for (const [pattern, replies] of rules) {
    const match = pattern.exec(text)
    if (match === null) continue
    const [, rest = ''] = match
    return pick(replies, turn).replace('$1', () => turnAround(rest.replace(/[.!?]+$/, '')))
  }
  return pick(anythingElse, turn)
}

function turnAround (text) {
  return text.replace(/\b\w+\b/g, (word) => turned[word.toLowerCase()] ?? word)
}

function pick (replies, turn) {
  return replies[(turn >> 1) % replies.length]
}
