import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openRecords } from '../records.js'

/** Records in a folder of their own. */
function open (t, { megabytes = 1, ...files } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'records-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'feedback.jsonl')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o644 })
  const lines = []
  const log = { error: (fields, line) => lines.push(line) }
  return { ...openRecords('FEEDBACK_FILE', { FEEDBACK_FILE: path, RECORDS_MEGABYTES: megabytes }, log), path, lines }
}

const read = (path) => readFileSync(path, 'utf8')

test('appends whole lines, for the owner alone', async (t) => {
  const { append, path } = open(t, { 'feedback.jsonl': '{"n":0}\n' })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await Promise.all([1, 2, 3].map((n) => append({ n, text: 'a\nb\u2028' })))
  const line = (n) => `{"n":${n},"text":"a\\nb\u2028"}\n`
  assert.equal(read(path), `{"n":0}\n${line(1)}${line(2)}${line(3)}`)
})

test('begins a new line behind one that was cut, and a new file where the old one was moved away', async (t) => {
  const { append, path } = open(t, { 'feedback.jsonl': '{"n":0}\n{"n":' })
  await append({ n: 1 })
  assert.equal(read(path), '{"n":0}\n{"n":\n{"n":1}\n')
  renameSync(path, `${path}.old`)
  await append({ n: 2 })
  assert.equal(read(path), '{"n":2}\n')
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a record for which the disk has no room leaves nothing of itself', async (t) => {
  const { append, path } = open(t, { 'feedback.jsonl': '{"n":0}\n{"n":1}' })
  const file = await openFile(path)
  const handle = Object.getPrototypeOf(file)
  await file.close()
  t.mock.method(handle, 'appendFile', async function (line) {
    await this.write(line.slice(0, 9))
    throw new Error('ENOSPC: no space left on device')
  })
  await assert.rejects(append({ text: 'x'.repeat(50) }), { statusCode: 507 })
  assert.equal(read(path), '{"n":0}\n{"n":1}')
  t.mock.restoreAll()
  await append({ n: 2 })
  assert.equal(read(path), '{"n":0}\n{"n":1}\n{"n":2}\n')
})

test('a file that is full takes no more, and says so', async (t) => {
  const { append, path, lines } = open(t, { megabytes: 0.0001 })
  await append({ text: 'x'.repeat(50) })
  const size = statSync(path).size
  await assert.rejects(append({ text: 'x'.repeat(50) }), { statusCode: 507 })
  assert.equal(statSync(path).size, size)
  assert.match(lines[0], /^FEEDBACK_FILE: a record is lost: the file has 0.0001 MB; move it away$/)
})

test('waits for a lock, and takes one that was left behind', async (t) => {
  const { append, path } = open(t)
  writeFileSync(`${path}.lock`, '')
  let isWritten = false
  const written = append({ n: 1 }).then(() => { isWritten = true })
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(isWritten, false)
  utimesSync(`${path}.lock`, 0, 0)
  await written
  assert.equal(read(path), '{"n":1}\n')
})

test('several servers write to one file, and each line is there once and whole', async (t) => {
  const { path } = open(t)
  const program = `
    import { openRecords } from './records.js'
    const { append } = openRecords('FEEDBACK_FILE', { FEEDBACK_FILE: process.argv[1], RECORDS_MEGABYTES: 1 }, console)
    for (let n = 0; n < 30; n++) await append({ from: process.pid, n, text: 'x'.repeat(5000) })`
  const writers = Array.from({ length: 3 }, () => {
    const cwd = join(import.meta.dirname, '..')
    return spawn(process.execPath, ['--input-type=module', '-e', program, path], { cwd })
  })
  const ends = await Promise.all(writers.map((writer) => once(writer, 'exit')))
  assert.deepEqual(ends.map(([code]) => code), [0, 0, 0])
  const records = read(path).trim().split('\n').map((line) => JSON.parse(line))
  assert.equal(new Set(records.map(({ from, n }) => `${from} ${n}`)).size, 90)
  assert.equal(records.length, 90)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})
