import { spawnSync } from 'node:child_process'
import {
  chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import t from 'tap'
import type { Input } from '../../../bin/ask-hidden.ts'
import { hashPassword } from '../../../bin/commands/hash-password.ts'
import { verify } from '../../../plugins/auth/index.ts'
import { parseHtpasswd } from '../../../plugins/auth/internal.ts'
import { cheap } from '../../plugins/auth/logins.ts'
import { lacks } from '../../system.ts'

const cheapPass = cheap.argon2id('pass')

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
    [['pasted\r\npasted\r\nmore'], 'pasted'],
    [['pasted\r', '\npasted\r', '\nmore'], 'pasted']
  ]
  for (const [typed, password] of rows) {
    const { code, out } = await run([], terminal(typed))
    t.equal(code, 0, JSON.stringify(typed))
    t.equal(await verify(out.trim(), password), true, password)
  }
})

t.test('key sequences and the replies of a terminal are no text, in one read or over several', async (t) => {
  const sequences: Record<string, string> = {
    'arrow up': '\x1b[A',
    'arrow up in application mode': '\x1bOA',
    'Ctrl and arrow': '\x1b[1;5C',
    'Alt and arrow, of rxvt': '\x1b\x1b[A',
    Home: '\x1b[H',
    Delete: '\x1b[3~',
    F1: '\x1bOP',
    'F1 of the Linux console': '\x1b[[A',
    F5: '\x1b[15~',
    'Shift and Tab': '\x1b[Z',
    'a key of the kitty protocol': '\x1b[97;5u',
    'the place of the cursor': '\x1b[12;40R',
    'focus in': '\x1b[I',
    'focus out': '\x1b[O',
    'a paste begins': '\x1b[200~',
    'a paste ends': '\x1b[201~',
    'the kind of terminal': '\x1b[?62;1;6c',
    'the kind of terminal, secondary': '\x1b[>41;354;0c',
    'a mode': '\x1b[?2026;2$y',
    'the mouse': '\x1b[<0;12;5M',
    'the mouse as in X10': '\x1b[M !!',
    'the colour of the background, with BEL': '\x1b]11;rgb:1e1e/1e1e/1e1e\x07',
    'the colour of the background, with ST': '\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\',
    'a version': '\x1bP>|xterm(370)\x1b\\',
    'an answer about graphics': '\x1b_Gi=31;OK\x1b\\',
    'in 8 bits': '\x9b12;40R'
  }
  // Escape and a letter in the next read are two keys.
  const whole = { 'Alt and a letter': '\x1bx', 'Alt and a letter beyond ASCII': '\x1bé', 'Alt and Escape': '\x1b\x1bx' }
  const wrong: unknown[] = []
  async function type (what: string, ...parts: string[]): Promise<void> {
    const last = parts.length - 1
    const typed = parts.map((part, index) => `${index === 0 ? 'pa' : ''}${part}${index === last ? 'ss\r' : ''}`)
    const { code, out, err } = await run(['--verify', cheapPass], terminal([...typed]))
    if (code !== 0) wrong.push({ what, typed, code, out, err })
  }
  for (const [what, sequence] of Object.entries(whole)) await type(what, sequence)
  for (const [what, sequence] of Object.entries(sequences)) {
    for (let cut = 0; cut < sequence.length; cut++) await type(what, sequence.slice(0, cut), sequence.slice(cut))
    await type(what, ...sequence)
    await type(what, sequence, '')
  }
  t.same(wrong, [])
})

t.test('what is pasted is text, and what cuts a sequence off is a key', async (t) => {
  const rows: Array<[what: string, ...typed: string[]]> = [
    ['a paste', '\x1b[200~pass\x1b[201~\r'],
    ['a paste over two reads', '\x1b[200~pa', 'ss\x1b[20', '1~\r'],
    ['Escape, and a letter in the next read', '\x1b', 'pass\r'],
    ['Escape, and Enter', 'pass\x1b', '\r'],
    ['Enter amid a sequence', 'pass\x1b[1;', '\r'],
    ['Enter amid a reply', 'pass\x1b]11;rgb', '\r'],
    ['backspace after Escape', 'passx\x1b\x7f\r'],
    ['Ctrl+U amid a sequence', 'wrong\x1b[1\x15pass\r']
  ]
  const wrong: unknown[] = []
  for (const [what, ...typed] of rows) {
    const { code, out, err } = await run(['--verify', cheapPass], terminal(typed))
    if (code !== 0) wrong.push({ what, code, out, err })
  }
  t.same(wrong, [])
  t.match(await run([], terminal(['pa\x1b[1\x03'])), { code: 130, err: /interrupted/ }, 'Ctrl+C amid a sequence')

  const stdin = terminal(['\x1b[', ''])
  setTimeout(() => (stdin as unknown as PassThrough).write('pass\r'), 700)
  t.equal((await run(['--verify', cheapPass], stdin)).code, 0, 'a sequence that does not go on is forgotten')
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

t.test('--file adds a line, replaces it, and takes it away, in a file that is new for its owner alone', { skip: lacks.links }, async (t) => {
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
  t.match(text, /^# people\nbob:\$2y\$[^\n]*:Bob\r\nalice:\$argon2id\$[^\n]*\ncarol:\$2y\$[^\n]*\ndave:\$argon2id\$[^\n]*\n$/)
  t.equal(await verify(parseHtpasswd(text).get('alice')!, 'p2'), true)

  t.match(await run(['alice', '--file', link, '--delete'], ''), { code: 0, out: `${link}: alice is deleted\n`, err: '' })
  t.same([...parseHtpasswd(readFileSync(link, 'utf8')).keys()], ['bob', 'carol', 'dave'])
  t.match(await run(['alice', '--file', link, '--delete'], ''), { code: 1, err: /has no user alice/ })
  t.same(readdirSync(dir).sort(), ['link', 'new', 'old'], 'nothing is left lying about')
})

t.test('--file keeps the owner, group and mode of a file', { skip: lacks.links }, async (t) => {
  const wrong: unknown[] = []
  // Another account's file, where this one may change its owner.
  const [uid, gid] = [process.getuid!(), process.getgid!()]
  const owners = uid === 0 ? [[0, 0], [0, 4711], [4711, 4712]] as const : [[uid, gid]] as const
  for (const mode of [0o640, 0o600, 0o644, 0o660, 0o440, 0o400]) {
    for (const [uid, gid] of owners) {
      const file = join(t.testdir({ users: `bob:${cheap.bcrypt('b')}\nalice:${cheap.bcrypt('a')}\n` }), 'users')
      chownSync(file, uid, gid)
      chmodSync(file, mode)
      for (const args of [['carol'], ['alice'], ['alice', '--delete']]) {
        const { code, err } = await run([...args, '--file', file], 'p\n')
        const stat = statSync(file)
        const kept = [code, err, stat.uid, stat.gid, stat.mode & 0o7777]
        if (kept.join() !== [0, '', uid, gid, mode].join()) wrong.push({ args, expected: [uid, gid, mode], kept })
      }
      t.same([...parseHtpasswd(readFileSync(file, 'utf8')).keys()], ['bob', 'carol'])
    }
  }
  t.same(wrong, [])
})

t.test('--file loses no line when several commands run at once, on a new file and on one that is there', async (t) => {
  for (const users of [undefined, `bob:${cheap.bcrypt('b')}\n`]) {
    const dir = t.testdir(users === undefined ? {} : { users })
    const file = join(dir, 'users')
    const names = Array.from({ length: 10 }, (_, index) => `user${index}`)
    const codes = await Promise.all(names.map(async (name) => (await run([name, '--file', file], 'p\n')).code))
    t.same(codes, names.map(() => 0))
    const kept = [...parseHtpasswd(readFileSync(file, 'utf8')).keys()]
    t.same(kept.sort(), [...users === undefined ? [] : ['bob'], ...names])
    await Promise.all(names.slice(1).map(async (name) => await run([name, '--file', file, '--delete'], '')))
    t.same([...parseHtpasswd(readFileSync(file, 'utf8')).keys()].sort(), [...users === undefined ? [] : ['bob'], 'user0'])
    t.same(readdirSync(dir), ['users'], 'no lock is left')
  }
})

const lockOf = (pid: number) => `fastify-quickstart hash-password ${pid}\n`

t.test('--file waits for a lock that is given back, and takes one that a killed command has left behind', async (t) => {
  const dead = spawnSync(process.execPath, ['--version']).pid
  const dir = t.testdir({ 'users.lock': lockOf(dead) })
  const file = join(dir, 'users')
  const left = await run(['alice', '--file', file], 'p\n')
  t.same([left.code, left.err], [0, ''])

  writeFileSync(`${file}.lock`, lockOf(process.pid))
  let isDone = false
  const waiting = run(['bob', '--file', file], 'p\n').finally(() => { isDone = true })
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.equal(isDone, false)
  rmSync(`${file}.lock`)
  t.equal((await waiting).code, 0)
  t.same([...parseHtpasswd(readFileSync(file, 'utf8')).keys()], ['alice', 'bob'])
  t.same(readdirSync(dir), ['users'])
})

t.test('--file leaves what is not its lock where it is, and says so', async (t) => {
  const folder = t.testdir({})
  const foreign = 'is in the way, and is not a lock of this command; remove it if nothing needs it'
  const held = `is held by process ${process.pid}; remove it if that is not a hash-password command`
  const locks: [content: string | object, says: string][] = [
    ['', foreign],
    ["somebody's own\n", foreign],
    [`${lockOf(1)}and more`, foreign],
    ['x'.repeat(100_000), foreign],
    [`alice:${cheap.bcrypt('a')}\n`, foreign],
    [{ 'a.txt': 'kept' }, foreign],
    [lockOf(process.pid), held]
  ]
  const wrong = await Promise.all(locks.map(async ([content, says], index) => {
    const dir = join(folder, String(index))
    mkdirSync(dir)
    const [file, lock] = [join(dir, 'users'), join(dir, 'users.lock')]
    if (typeof content === 'string') writeFileSync(lock, content)
    else mkdirSync(lock)
    const { code, err } = await run(['carol', '--file', file], 'p\n')
    const isKept = typeof content === 'object' ? statSync(lock).isDirectory() : readFileSync(lock, 'utf8') === content
    const isRight = code === 1 && isKept && !existsSync(file) && err === `hash-password: ${file}: ${lock} ${says}\n`
    return isRight ? [] : [[content, code, err, isKept]]
  }))
  t.same(wrong.flat(), [])
  if (lacks.links) return
  const file = join(folder, 'users')
  symlinkSync('nowhere', `${file}.lock`)
  t.match(await run(['carol', '--file', file], 'p\n'), { code: 1, err: `hash-password: ${file}: ${file}.lock ${foreign}\n` })
})

t.test('--file changes no file that is not text in UTF-8', async (t) => {
  const line = `bob:${cheap.bcrypt('b')}\n`
  const rows: Array<[bytes: Buffer, says: RegExp]> = [
    [Buffer.from(`\ufeff${line}`, 'utf16le'), /users: the file is in UTF-16; expected UTF-8/],
    [Buffer.from(line, 'utf16le'), /users: line 1: a NUL character, as in UTF-16; expected UTF-8/],
    [Buffer.from(`${line}zoë:x\n`, 'latin1'), /users: line 2: bytes that are not UTF-8; expected UTF-8/]
  ]
  for (const [bytes, says] of rows) {
    const dir = t.testdir({ users: '' })
    const file = join(dir, 'users')
    writeFileSync(file, bytes)
    for (const args of [['alice'], ['bob', '--delete']]) {
      t.match(await run([...args, '--file', file], 'p\n'), { code: 1, out: '', err: says })
      t.same(readFileSync(file), bytes)
      t.same(readdirSync(dir), ['users'])
    }
  }
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
