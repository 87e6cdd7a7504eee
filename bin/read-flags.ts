import { parseArgs, type ParseArgsConfig } from 'node:util'
import { findNearestWord } from './nearest-word.ts'

/** A mistake of the operator's, which the message names in one line. */
export class OperatorError extends Error {}

/** A switch takes `true` or `false`, and alone stands for `true`. */
type Flags = Record<string, NonNullable<ParseArgsConfig['options']>[string] & { isSwitch?: true }>

/**
 * Reads the words after the command's name, which are flags alone.
 *
 * @throws OperatorError for others
 */
export function readFlags<Known extends Flags> (
  args: readonly string[],
  flags: Known
): ReturnType<typeof parseArgs<{ args: string[], options: Known }>>['values'] {
  // A lone `--` is allowed before the switches, as `fastify start` asks for it.
  const words = args.filter((arg) => arg !== '--').map((word, index, all) => {
    const { [index + 1]: next = '-' } = all
    const isSwitch = word.startsWith('--') && flags[word.slice(2)]?.isSwitch === true
    return isSwitch && next.startsWith('-') ? `${word}=true` : word
  })
  return readWords({ args: words, options: flags }).values
}

/**
 * As Node's parseArgs.
 *
 * @throws OperatorError for words that do not fit, which lists those that do
 */
export function readWords<Config extends ParseArgsConfig> (config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException // parseArgs throws errors alone
    const flags = Object.keys(config.options ?? {}).map((name) => `--${name}`)
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const [problem = '', word = ''] = /^Unknown option '([^']*)'/.exec(message) ?? [] // where the system says so
      throw new OperatorError(`${problem}${suggest(word, flags)}; there are ${flags.join(', ')}`)
    }
    throw new OperatorError(message.replace(/\s*\n\s*/g, ' ')) // an ambiguous value is told of in three lines
  }
}

/** Names the word that was meant, if there is one near it, in brackets behind the mistyped one. */
export function suggest (typed: string, words: readonly string[]): string {
  const nearest = findNearestWord(typed, words)
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}
