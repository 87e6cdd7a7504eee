import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { command, environment, until } from './command.ts'
import { lacks } from '../system.ts'

const cases: [args: string[], says: string][] = [
  [[], 'SIGHUP: the server stops'],
  [['--workers', '1'], 'SIGHUP: the workers stop']
]
for (const [args, says] of cases) {
  t.test(`the end of its terminal ends the server ${args.join(' ')}`, { skip: lacks.terminals }, async (t) => {
    const words = [process.execPath, ...command, '--port', '0', '--log-level', 'info', ...args]
    // The shell says its process id, which is the server's then.
    const line = `echo process $$; exec ${words.map((word) => `'${word}'`).join(' ')}`
    const terminal = spawn('script', ['-qefc', line, '/dev/null'], { cwd: t.testdir({}), env: environment() })
    const exited = once(terminal, 'close')
    let shown = ''
    terminal.stdout.on('data', (chunk: Buffer) => { shown += chunk.toString() })
    t.teardown(() => terminal.kill('SIGKILL'))
    await until(() => terminal.exitCode !== null || shown.includes('Ctrl-C stops the server.'), 'the start')
    const [, id] = /^process (\d+)/.exec(shown) ?? []
    process.kill(Number(id), 'SIGHUP')
    t.same(await exited, [0, null])
    t.match(shown, says)
  })
}
