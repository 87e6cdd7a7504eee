// Runs `npm start` as a newcomer does, asks each of the five topics over HTTP, and stops it with Ctrl-C's signal.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'

const port = process.env.PORT ?? '5081'
const url = `http://127.0.0.1:${port}`
const app = spawn('npm', ['start'], { env: { ...process.env, PORT: port }, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
let log = ''
app.stdout.on('data', (chunk) => { log += chunk })

try {
  for (let attempt = 0; ; attempt++) {
    assert.equal(app.exitCode, null, `npm start ended:\n${log}`)
    assert.ok(attempt < 300, `npm start does not listen:\n${log}`)
    if (await fetch(`${url}/health`).then(() => true, () => false)) break
    await setTimeout(200)
  }
  assert.match(log, new RegExp(`Open ${url}/ in a browser`))

  const login = `Basic ${btoa('admin:secret')}`
  const answers = [
    ['/', {}, 200, '<h1>A HTML File from templates/</h1>'],
    ['/hello', {}, 200, 'Hello World!'],
    ['/static/app.js', {}, 200, 'you are feeling app.js!'],
    ['/user/alice', {}, 200, 'User alice'],
    ['/secret', {}, 401, 'Unauthorized'],
    ['/secret', { authorization: login }, 200, 'The secret page']
  ]
  for (const [path, headers, status, text] of answers) {
    const answer = await fetch(url + path, { headers })
    assert.equal(answer.status, status, path)
    assert.ok((await answer.text()).includes(text), `${path} says ${text}`)
    if (status === 401) assert.equal(answer.headers.get('www-authenticate'), 'Basic realm="Login Required", charset="UTF-8"')
    console.log(`${status} ${path}`)
  }
} finally {
  // A terminal sends Ctrl-C to the whole group: npm, its shell and the server.
  process.kill(-app.pid, 'SIGINT')
  if (app.exitCode === null) await once(app, 'exit')
}
await assert.rejects(fetch(`${url}/health`), 'the server still answers')
console.log('stopped')
