import { PassThrough, Readable, Writable } from 'node:stream'
import t from 'tap'
import type { Input } from '../../plugins/auth/hash-password.js'
import { hashPassword } from '../../plugins/auth/hash-password.js'
import { verify } from '../../plugins/auth/password-hash.js'
import { cheap } from './auth/logins.js'

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

/** A terminal that types each text once it has been asked the next question, and notes whether it was in raw mode then. */
function terminal (typed: string[]): Input & { raw: boolean[] } {
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
    setRawMode (on: boolean) {
      mode = on
      return stream
    }
  })
}

t.test('reads one line of standard input and prints its hash', async (t) => {
  for (const [input, password] of [['geheim£\n', 'geheim£'], ['windows\r\nmore\n', 'windows'], ['no line end', 'no line end'], [' spaces \n', ' spaces ']] as const) {
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
  for (const [args, says] of [[['a', 'b'], /Usage/], [['a', '--verify', 'x'], /Usage/], [['--nonsense'], /nonsense[^]*Usage/], [['--verify'], /Usage/], [['a:b'], /a colon/], [['#a'], /begins with #/], [[' a'], /a blank at its beginning or end/], [['a\u2028b'], /control characters/], [[''], /an empty name/]] as Array<[string[], RegExp]>) {
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
