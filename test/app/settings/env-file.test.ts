import { chmodSync, symlinkSync } from 'node:fs'
import t from 'tap'
import { loadEnvFile, readEnvFile } from '../../../app/settings/env-file.ts'
import { readSettings } from '../../../app/settings/settings.ts'
import { setEnvironment } from '../../environment.ts'
import { lacks } from '../../system.ts'
import { start } from '../start.ts'

const mark = '\ufeff'

t.test('each variable of a .env is read, however the editor writes the file', async (t) => {
  const right = { QUICKSTART_PROTECT: '/', QUICKSTART_REALM: 'Staff only' }
  const files: [name: string, text: string][] = [
    ['plain', 'QUICKSTART_PROTECT=/\nQUICKSTART_REALM=Staff only\n'],
    ['no line end', 'QUICKSTART_REALM=Staff only\nQUICKSTART_PROTECT=/'],
    ['a byte order mark', `${mark}QUICKSTART_PROTECT=/\nQUICKSTART_REALM=Staff only\n`],
    ['a mark and CRLF', `${mark}QUICKSTART_PROTECT=/\r\nQUICKSTART_REALM=Staff only\r\n`],
    ['a mark and a comment', `${mark}# comment\nQUICKSTART_PROTECT=/\nQUICKSTART_REALM=Staff only\n`],
    ['CR alone', 'QUICKSTART_PROTECT=/\rQUICKSTART_REALM=Staff only\r'],
    ['double quotes', 'QUICKSTART_PROTECT="/"\r\nQUICKSTART_REALM="Staff only"\r\n'],
    ['single quotes', "QUICKSTART_PROTECT='/'\nQUICKSTART_REALM='Staff only'\n"],
    ['blanks', '  QUICKSTART_PROTECT = / \n\tQUICKSTART_REALM=  Staff only\n'],
    ['export', 'export QUICKSTART_PROTECT=/\nexport QUICKSTART_REALM="Staff only"\n'],
    ['comments', '# a: b\nQUICKSTART_PROTECT=/ # all\n#QUICKSTART_AUTH=false\n\nQUICKSTART_REALM=Staff only\n'],
    ['the last one wins', 'QUICKSTART_PROTECT=/x\nQUICKSTART_REALM=Staff only\nQUICKSTART_PROTECT=/\n'],
    ['a value of several lines', 'QUICKSTART_PROTECT=/\nKEY="a\nb: c\nd"\nQUICKSTART_REALM=Staff only\n'],
    ['a name in a value that is quoted', 'QUICKSTART_PROTECT=/\nKEY="a QUICKSTART_REALM=b"\nQUICKSTART_REALM=Staff only\n'],
    ['a name in a value of several lines', "QUICKSTART_PROTECT=/\nKEY='a\nb=1 QUICKSTART_REALM=b\n'\nQUICKSTART_REALM=Staff only\n"],
    ['a name in a comment', 'QUICKSTART_PROTECT=/ # QUICKSTART_AUTH=x\n# KEY=1 QUICKSTART_AUTH=x\nQUICKSTART_REALM=Staff only\n'],
    ['a name in a comment behind quotes', 'QUICKSTART_PROTECT="/" # QUICKSTART_AUTH=x\nQUICKSTART_REALM=Staff only\n'],
    ['a name that is no assignment', 'QUICKSTART_PROTECT=/\nKEY=see QUICKSTART_REALM\nQUICKSTART_REALM=Staff only\n'],
    ['a name in a URL', 'QUICKSTART_PROTECT=/\nKEY=https://a.example/?QUICKSTART_REALM=b\nQUICKSTART_REALM=Staff only\n'],
    ['Latin-1 in a comment', 'QUICKSTART_PROTECT=/ # f\xfcr alle\nQUICKSTART_REALM=Staff only\n']
  ]
  const wrong: unknown[] = []
  for (const [name, text] of files) {
    t.chdir(t.testdir({ '.env': Buffer.from(text, name.startsWith('Latin-1') ? 'latin1' : 'utf8') }))
    setEnvironment(t)
    const { QUICKSTART_PROTECT, QUICKSTART_REALM, ...others } = readEnvFile()
    const { protect, realm } = readSettings()
    const found = { QUICKSTART_PROTECT, QUICKSTART_REALM }
    const isStray = Object.keys(others).some((other) => other !== 'KEY')
    if (JSON.stringify(found) !== JSON.stringify(right) || String(protect) !== '/' || realm !== 'Staff only' || isStray) {
      wrong.push({ name, found, protect, realm, others })
    }
  }
  t.same(wrong, [])
})

t.test('a .env in which a variable would be lost stops the start with one line', async (t) => {
  const notText = '.env is not UTF-8 text, or has a NUL byte in it; save it as UTF-8'
  const second = (line: number) => `.env: line ${line} has QUICKSTART_PROTECT in the value of another variable; ` +
    'give it a line of its own, or put the value into quotes'
  const utf16 = Buffer.from(`${mark}QUICKSTART_PROTECT=/\n`, 'utf16le')
  const files: [name: string, content: string | Buffer, says: string][] = [
    ['UTF-16', utf16, notText],
    ['UTF-16, the other way round', Buffer.from(utf16).swap16(), notText],
    ['UTF-16 without a mark', Buffer.from('QUICKSTART_PROTECT=/', 'utf16le'), notText],
    ['UTF-16 that looks like none', Buffer.from(`${mark}あ`, 'utf16le'), notText],
    ['NUL', 'A=1\0\nQUICKSTART_PROTECT=/\n', notText],
    ['a colon', 'QUICKSTART_PROTECT: /\n', '.env: line 1 is not NAME=value'],
    ['no value', 'A=1\nQUICKSTART_PROTECT\n', '.env: line 2 is not NAME=value'],
    ['a blank in the name', 'QUICKSTART PROTECT=/\n', '.env: line 1 is not NAME=value'],
    ['a blank of no width', '\u200bQUICKSTART_PROTECT=/\n', '.env: line 1 is not NAME=value'],
    ['a blank that does not break', 'A=1\r\n\r\n\u00a0QUICKSTART_PROTECT=/\r\n', '.env: line 3 is not NAME=value'],
    ['a mark in the middle', `A=1\n${mark}QUICKSTART_PROTECT=/\n`, '.env: line 2 is not NAME=value'],
    ['quotes', '"QUICKSTART_PROTECT"=/\n', '.env: line 1 is not NAME=value'],
    ['on the line of another', 'X=1 QUICKSTART_PROTECT=/\n', second(1)],
    ['on the line of another setting', 'A=1\nQUICKSTART_REALM=Staff only QUICKSTART_PROTECT=/\n', second(2)],
    ['behind a tab', 'A=1\r\nX=1\tQUICKSTART_PROTECT=/\r\n', second(2)],
    ['behind blanks, with blanks', 'X = 1   QUICKSTART_PROTECT = /', second(1)],
    ['behind nothing', 'X= QUICKSTART_PROTECT=/\n', second(1)],
    ['behind export', 'export X=1 export QUICKSTART_PROTECT=/\n', second(1)],
    ['behind a semicolon', 'X=1;QUICKSTART_PROTECT=/\n', second(1)],
    ['behind quotes', 'X="1" QUICKSTART_PROTECT=/\n', second(1)],
    ['behind quotes of several lines', "X='1\n2' QUICKSTART_PROTECT=/\n", second(2)],
    ['behind a quote that is not closed', "X='1 QUICKSTART_PROTECT=/\n", second(1)],
    ['behind itself', 'QUICKSTART_PROTECT=/x QUICKSTART_PROTECT=/\n', second(1)],
    ['where the other is set again', 'X=1 QUICKSTART_PROTECT=/\nX=2\n', second(1)],
    ['a quote that is closed too late', 'A="x\nQUICKSTART_PROTECT=/\nB="y"\n', '.env: line 2 is not NAME=value']
  ]
  const wrong: unknown[] = []
  for (const [name, content, says] of files) {
    t.chdir(t.testdir({ '.env': content }))
    const error: unknown = await start(t).then(() => 'starts', (error) => error)
    const { code, message } = error as { code?: string, message?: string } // a text has neither
    if (code !== 'FST_QUICKSTART_APP_INVALID_SETTING' || message !== says) wrong.push({ name, says, code, message })
  }
  t.same(wrong, [])
})

t.test('a line without an equals sign costs no variable without a word: Node 24 reads on behind it', async (t) => {
  const files: [content: string, variable: [string, string], says: string][] = [
    ['# a\nA: 1\nQUICKSTART_PROTECT=/\n', ['QUICKSTART_PROTECT', '/'], '.env: line 2 is not NAME=value'],
    ['A\nQUICKSTART_PROTECT=/\n', ['QUICKSTART_PROTECT', '/'], '.env: line 1 is not NAME=value'],
    ['B=2\nset\nNODE_ENV=production\n', ['NODE_ENV', 'production'], '.env: line 2 is not NAME=value']
  ]
  const wrong: unknown[] = []
  for (const [content, [name, value], says] of files) {
    t.chdir(t.testdir({ '.env': content }))
    try {
      const variables = readEnvFile()
      if (variables[name] !== value) wrong.push({ content, variables })
    } catch (error) {
      const { message } = error as Error
      if (message !== says) wrong.push({ content, message })
    }
  }
  t.same(wrong, [])
})

t.test('a .env that is no readable file stops the start with one line', { skip: lacks.links }, async (t) => {
  setEnvironment(t)
  t.chdir(t.testdir({ '.env': {} }))
  const code = 'FST_QUICKSTART_APP_INVALID_SETTING'
  t.throws(() => readSettings(), { code, message: '.env cannot be read (EISDIR)' })
  t.chdir(t.testdir({}))
  symlinkSync('nowhere', '.env')
  t.throws(() => readSettings(), { code, message: '.env is a link to a file that does not exist' })
  t.chdir(t.testdir({ '.env': 'QUICKSTART_AUTH=false\n' }))
  chmodSync('.env', 0)
  const isRoot = process.getuid?.() === 0
  if (isRoot) t.equal(readSettings().switches.auth, false, 'root reads every file')
  else t.throws(() => readSettings(), { code, message: '.env cannot be read (EACCES)' })
})

t.test('fills the environment, which wins', async (t) => {
  t.chdir(t.testdir({ '.env': `${mark}NODE_ENV=production\nQUICKSTART_REALM=file\n` }))
  setEnvironment(t, { QUICKSTART_REALM: 'environment', NODE_ENV: undefined })
  loadEnvFile()
  t.equal(process.env.NODE_ENV, 'production')
  t.equal(process.env.QUICKSTART_REALM, 'environment')
  t.chdir(t.testdir({}))
  loadEnvFile()
})
