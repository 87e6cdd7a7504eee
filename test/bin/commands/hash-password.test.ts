import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import t from 'tap'
import type { Input } from '../../../bin/ask-hidden.ts'
import { hashPassword } from '../../../bin/commands/hash-password.ts'
import { verify } from '../../../plugins/auth/index.ts'
import { parseHtpasswd } from '../../../plugins/auth/internal.ts'
import { cheap } from '../../plugins/auth/logins.ts'
import { lacks } from '../../system.ts'

function sink (): Writable & { text: string } {
  const stream = Object.assign(new Writable({
    write (chunk, encoding, done) {
      stream.text += String(chunk)
      done()
    }
  }), { text: '' })
  return stream
}

/** Runs the command, and answers its exit code and what it wrote. */
async function run (args: string[], stdin: Input | string): Promise<{ code: number, out: string, err: string }> {
  const [stdout, stderr] = [sink(), sink()]
  const input = typeof stdin === 'string' ? Readable.from(stdin === '' ? [] : [stdin]) : stdin
  const code = await hashPassword(args, input, stdout, stderr)
  return { code, out: stdout.text, err: stderr.text }
}

/**
 * A terminal that types each text once it has been asked the next question, and notes whether it was in raw mode
 * then.
 */
function terminal (typed: string[]): Input & { raw: boolean[], isRaw: () => boolean } {
  const stream = new PassThrough()
  const raw: boolean[] = []
  let mode = false
  const type = () => {
    raw.push(mode)
    const text = typed.shift()
    if (text !== undefined) stream.write(text)
  }
  setImmediate(function next () {
    type()
    if (typed.length > 0) setImmediate(next)
  })
  return Object.assign(stream, {
    isTTY: true,
    raw,
    isRaw: () => mode,
    setRawMode (on: boolean) {
      mode = on
      return stream
    }
  })
}

t.test('reads one line of standard input and prints its hash', async (t) => {
  for (const [input, password] of [['geheim£\n', 'geheim£'], ['windows\r\nmore\n', 'windows'], ['no line end', 'no line end'], ['\ufeffmark\n', 'mark'], [' spaces \n', ' spaces ']] as const) {
    const { code, out, err } = await run([], input)
    t.same([code, err], [0, ''], password)
    t.match(out, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^\n]+\n$/)
    t.equal(await verify(out.trim(), password), true, password)
  }
})

t.test('with a name, prints a line for an htpasswd file', async (t) => {
  const { code, out } = await run(['zoë'], 'p\n')
  t.equal(code, 0)
  t.match(out, /^zoë:\$argon2id\$/)
})

t.test('asks twice on a terminal, and shows nothing', async (t) => {
  const stdin = terminal(['pass', 'wx\x7ford\r', 'password\r'])
  const { code, out, err } = await run(['alice'], stdin)
  t.equal(code, 0)
  t.equal(err, 'Password: \nThe same again: \n')
  t.equal(await verify(out.slice('alice:'.length).trim(), 'password'), true, 'a typing error can be taken back')
  t.ok(stdin.raw.every(Boolean), 'the terminal does not echo')
})

t.test('on a terminal of any kind, typing errors can be taken back', async (t) => {
  const rows: Array<[typed: string[], password: string]> = [
    [['pax\bss\r', 'pass\n'], 'pass'],
    [['wrong\x15pass\r', 'p\x7f\x7f\x7fpass\r'], 'pass'],
    [['zoë\x7fé\r', 'zoé\r'], 'zoé'],
    [['pa\x1b[Ass\x1bOP\x1b[1;5C\r', 'pass\x1b\r'], 'pass'],
    [['pasted\r\npasted\r\nmore'], 'pasted']
  ]
  for (const [typed, password] of rows) {
    const { code, out } = await run([], terminal(typed))
    t.equal(code, 0, JSON.stringify(typed))
    t.equal(await verify(out.trim(), password), true, password)
  }
})

t.test('on a terminal, Ctrl+Z stops the job with the echo back on, and fg asks again', { skip: lacks.terminals }, async (t) => {
  const stdin = terminal(['half\x1a', 'password\r', 'password\r'])
  let mode: boolean | undefined
  const kills = t.capture(process, 'kill', () => {
    mode = stdin.isRaw()
    process.emit('SIGCONT')
    return true
  })
  const { code, out, err } = await run([], stdin)
  t.equal(code, 0)
  t.match(kills().map(({ args }) => args), [[0, 'SIGTSTP']], 'all programs of the job')
  t.equal(mode, false)
  t.equal(err, 'Password: \nPassword: \nThe same again: \n')
  t.equal(await verify(out.trim(), 'password'), true, 'what was typed before is forgotten')
  t.equal(process.listenerCount('SIGCONT'), 0)
})

t.test('a terminal that ends is an interruption', async (t) => {
  const stdin = terminal([])
  setTimeout(() => (stdin as unknown as PassThrough).end(), 20)
  t.match(await run([], stdin), { code: 130, err: /interrupted/ })
})

t.test('--file adds a line, replaces it, and takes it away, in a file for its owner alone', { skip: lacks.links }, async (t) => {
  const dir = t.testdir({ old: `# people\nbob:${cheap.bcrypt('b')}:Bob\r\nalice:${cheap.bcrypt('old')}\ncarol:${cheap.bcrypt('c')}` })
  const file = join(dir, 'new')
  const link = join(dir, 'link')
  symlinkSync(join(dir, 'old'), link)

  t.match(await run(['alice', '--file', file], 'p\n'), { code: 0, out: `${file}: alice is added\n`, err: '' })
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(await verify(parseHtpasswd(readFileSync(file, 'utf8')).get('alice')!, 'p'), true)

  t.match(await run(['alice', '--file', link], 'p2\n'), { code: 0, out: `${link}: alice has a new password\n` })
  t.match(await run(['dave', `--file=${link}`], 'd\n'), { code: 0, out: `${link}: dave is added\n` })
  const text = readFileSync(join(dir, 'old'), 'utf8')
  t.equal(lstatSync(link).isSymbolicLink(), true, 'a link stays a link')
  t.equal(statSync(link).mode & 0o777, 0o600)
  t.match(text, /^# people\nbob:\$2y\$[^\n]*:Bob\r\nalice:\$argon2id\$[^\n]*\ncarol:\$2y\$[^\n]*\ndave:\$argon2id\$[^\n]*\n$/)
  t.equal(await verify(parseHtpasswd(text).get('alice')!, 'p2'), true)

  t.match(await run(['alice', '--file', link, '--delete'], ''), { code: 0, out: `${link}: alice is deleted\n`, err: '' })
  t.same([...parseHtpasswd(readFileSync(link, 'utf8')).keys()], ['bob', 'carol', 'dave'])
  t.match(await run(['alice', '--file', link, '--delete'], ''), { code: 1, err: /has no user alice/ })
  t.same(readdirSync(dir).sort(), ['link', 'new', 'old'], 'nothing is left lying about')
})

t.test('--file says what else would stop an app that starts with the file', async (t) => {
  const file = join(t.testdir({ users: 'bob:plain\n' }), 'users')
  t.match(await run(['alice', '--file', file], 'p\n'), { code: 0, err: /users: line 1: unknown or damaged hash/ })
  t.match(await run(['alice', '--file', join(file, 'below')], 'p\n'), { code: 1, out: '', err: /ENOTDIR/ })
  t.match(await run(['alice', '--file', dirname(file)], 'p\n'), { code: 1, out: '', err: /is not a file/ })
  const nowhere = join(dirname(file), 'nowhere', 'users')
  t.match(await run(['alice', '--file', nowhere], 'p\n'), { code: 1, out: '', err: `hash-password: ${nowhere} cannot be read and written (ENOENT)\n` })
})

t.test('on a terminal, two passwords that differ make no hash', async (t) => {
  t.same(await run([], terminal(['one\r', 'two\r'])), { code: 1, out: '', err: 'Password: \nThe same again: \nhash-password: the two passwords differ\n' })
})

t.test('on a terminal, Ctrl+C and Ctrl+D end it', async (t) => {
  for (const key of ['\x03', '\x04']) {
    const { code, out, err } = await run([], terminal(['one\r', key]))
    t.same([code, out], [130, ''])
    t.match(err, /interrupted/)
  }
})

t.test('--verify says whether a password is that of a hash', async (t) => {
  for (const hash of [cheap.argon2id('p'), cheap.bcrypt('p')]) {
    t.same(await run(['--verify', hash], 'p\n'), { code: 0, out: 'The password matches.\n', err: '' })
    t.same(await run([`--verify=${hash}`], 'q\n'), { code: 1, out: 'The password does not match.\n', err: '' })
    t.same(await run(['--verify', hash], terminal(['p\r'])), { code: 0, out: 'The password matches.\n', err: 'Password: \n' }, 'asks once')
  }
  const { code, err } = await run(['--verify', '=19=19456,t=2'], 'p\n')
  t.equal(code, 2)
  t.match(err, /quote it/)
})

t.test('refuses passwords that nobody could log in with', async (t) => {
  for (const [input, says] of [['', /empty/], ['\n', /empty/], ['tab\t\n', /control characters/], ['\ufffd\n', /broken Unicode/], [`${'x'.repeat(1025)}\n`, /1024 bytes/]] as const) {
    const { code, out, err } = await run([], input)
    t.same([code, out], [1, ''])
    t.match(err, says)
  }
})

t.test('refuses wrong arguments, and prints its help', async (t) => {
  for (const [args, says] of [[['a', 'b'], /Usage/], [['a', '--verify', 'x'], /Usage/], [['--nonsense'], /nonsense[^]*Usage/], [['--verify'], /Usage/], [['--file', 'x'], /--file needs a name/], [['a', '--delete'], /--delete needs --file/], [['--file', 'x', '--verify', 'y'], /Usage/], [['a:b'], /a colon/], [['#a'], /begins with #/], [[' a'], /a blank at its beginning or end/], [['a\u2028b'], /control characters/], [[''], /an empty name/]] as Array<[string[], RegExp]>) {
    const { code, out, err } = await run(args, 'p\n')
    t.same([code, out], [2, ''])
    t.match(err, says)
  }
  for (const flag of ['--help', '-h']) {
    const { code, out, err } = await run([flag], '')
    t.same([code, err], [0, ''])
    t.match(out, /^Usage: npx fastify-quickstart hash-password/)
  }
})
