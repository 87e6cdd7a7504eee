// The settings of the chatbot. Those of the whole app, such as HOST, PORT and QUICKSTART_*, are read by the app itself.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const count = (preset) => [preset, /^[1-9]\d{0,5}$/, 'a whole number from 1 to 999999']

/** Words as in model-command.js, of which the first is not empty. */
const command = /^(?!\s*(?:""|''))(?:\s*(?:"[^"]*"|'[^']*'|[^\s"']\S*(?=\s|$)))+\s*$/

/** Each with its default, and what fits. */
const known = {
  MODEL_COMMAND: ['', command, 'a command such as python3 model.py, with each quote closed'],
  // Or a server that speaks OpenAI's chat completions, with the model's name there and a key.
  MODEL_URL: ['', /^https?:\/\/[^@\s]+$/, 'an address such as http://127.0.0.1:11434/v1, with a key in MODEL_API_KEY'],
  MODEL_NAME: ['', /\S/, 'a name such as llama3.2'],
  MODEL_API_KEY: ['', /^[\x21-\x7e]+$/, 'printable ASCII without spaces'],
  MODEL_TEMPERATURE: ['', /^\d(?:\.\d+)?$/, 'a number such as 0.7'], // with MODEL_URL, as is the next one
  MODEL_MAX_TOKENS: ['', /^[1-9]\d{0,8}$/, 'a whole number of tokens'],
  MODEL_SYSTEM: ['', /\S/, 'a text, or the path of a file of UTF-8 text behind an @'], // goes before each conversation
  MODEL_SLOTS: count(1), // answers at the same time
  MODEL_WAITING: count(3), // questions that one user may have waiting
  MODEL_QUESTION_LENGTH: count(4000), // characters
  MODEL_HISTORY_LENGTH: count(40_000),
  MODEL_ANSWER_LENGTH: count(20_000),
  MODEL_ANSWER_SECONDS: count(300), // for a whole answer, from its turn on
  MODEL_SILENT_SECONDS: count(60), // without a word from the model
  MODEL_LOAD_SECONDS: count(300), // until a new process of MODEL_COMMAND writes its first line
  FEEDBACK_FILE: ['', /\S/, 'the path of a file, such as feedback.jsonl'],
  TRANSCRIPT_FILE: ['', /\S/, 'the path of a file, such as answers.jsonl'],
  RECORDS_MEGABYTES: count(100) // how large each of these two may become
}

/** Reads the settings from the environment, or from a file .env beside this one. What does not fit ends the program. */
export function readSettings () {
  loadEnvFile()
  const settings = Object.fromEntries(Object.entries(known).map(([name, [preset]]) => [name, preset]))
  for (const [name, value] of Object.entries(process.env)) {
    const isOurs = name.startsWith('MODEL_') || Object.hasOwn(known, name)
    if (!isOurs || value === '') continue
    if (!Object.hasOwn(known, name)) stop(`${name} is not a setting; known settings: ${Object.keys(known).join(', ')}`)
    const [preset, pattern, expected] = known[name]
    const fits = pattern.test(value) && (name !== 'MODEL_URL' || URL.canParse(value))
    if (!fits) stop(`${name} does not fit; expected ${expected}`)
    settings[name] = typeof preset === 'number' ? Number(value) : value
  }
  const { MODEL_COMMAND, MODEL_URL, MODEL_SYSTEM } = settings
  if (MODEL_COMMAND && MODEL_URL) stop('both MODEL_COMMAND and MODEL_URL are set; expected one')
  for (const name of ['MODEL_API_KEY', 'MODEL_TEMPERATURE', 'MODEL_MAX_TOKENS']) {
    if (settings[name] && !MODEL_URL) stop(`${name} is set, which goes to a server; expected MODEL_URL beside it`)
  }
  if (MODEL_SYSTEM.startsWith('@')) settings.MODEL_SYSTEM = readText(MODEL_SYSTEM.slice(1))
  return settings
}

/** The environment wins. */
export function loadEnvFile () {
  const file = join(import.meta.dirname, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
}

/** Ends the program with one line, as a start does that cannot succeed. */
export function stop (reason) {
  console.error(`chatbot: ${reason}`)
  process.exit(1)
}

function readText (file) {
  try {
    if (statSync(file).size > 1_000_000) stop(`MODEL_SYSTEM: ${file} has more than a megabyte`)
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).trim()
  } catch (error) {
    return stop(`MODEL_SYSTEM: ${file} cannot be read as UTF-8 text (${error.code ?? error.message})`)
  }
}
