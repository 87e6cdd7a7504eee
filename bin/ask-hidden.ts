import { TerminalKeys } from './terminal-keys.ts'

/** Standard input, which may be a terminal. */
export type Input = NodeJS.ReadableStream & { isTTY?: boolean, setRawMode?: (isRaw: boolean) => unknown }

/**
 * Asks on a terminal without echo, of whatever kind it is. Backspace and Ctrl+U correct the answer; Ctrl+Z stops the
 * program until `fg`.
 *
 * @returns the answers, or null when the person gives up with Ctrl+C or Ctrl+D
 */
export async function askHidden (
  questions: string[],
  stdin: Input,
  stderr: NodeJS.WritableStream
): Promise<string[] | null> {
  const answers: string[] = []
  const keys = new TerminalKeys()
  let typed: string[] = []
  const ask = (): void => { stderr.write(questions[answers.length]!) } // asked only while there is one left
  const goOn = (): void => {
    stdin.setRawMode?.(true)
    ask()
  }

  return await new Promise((resolve) => {
    function end (result: string[] | null): void {
      process.off('SIGCONT', goOn)
      stdin.off('data', read).off('end', giveUp)
      stdin.setRawMode?.(false)
      stdin.pause()
      keys.close()
      resolve(result)
    }
    function giveUp (): void {
      stderr.write('\n')
      end(null)
    }
    /** Returns whether there is more to ask. */
    function press (key: string): boolean {
      if (key === '\x03' || key === '\x04') {
        giveUp()
        return false
      }
      if (key === '\r') {
        answers.push(typed.join(''))
        typed = []
        stderr.write('\n')
        if (answers.length < questions.length) ask()
        else end(answers)
        return answers.length < questions.length
      }
      if (key === '\x7f' || key === '\b') typed.pop()
      else if (key === '\x15') typed = []
      else if (key === '\x1a') stop()
      else typed.push(key)
      return true
    }
    /** Stops all programs of the job, as the terminal itself does outside raw mode. */
    function stop (): void {
      typed = []
      stderr.write('\n')
      stdin.setRawMode?.(false)
      process.kill(0, 'SIGTSTP')
    }
    function read (text: string): void {
      for (const key of keys.read(text)) if (!press(key)) return
    }
    stdin.setEncoding('utf8')
    stdin.on('data', read).on('end', giveUp)
    process.on('SIGCONT', goOn)
    goOn()
  })
}
