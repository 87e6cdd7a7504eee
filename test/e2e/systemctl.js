// Stands in for systemctl where no systemd runs: starts, reloads and stops the instances of a unit with what the unit
// says of account, folder, environment, mask and commands. UNITS is the folder of units, STATE one for our own.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const { UNITS = '', STATE = '', ACCOUNT = '' } = process.env
const [uid, gid] = ACCOUNT.split(':').map(Number)
const [verb, ...words] = process.argv.slice(2)
mkdirSync(STATE, { recursive: true })

/** The settings of the unit and of what is beside it, each with its values in order. An empty one forgets others. */
function readUnit (instance) {
  const beside = join(UNITS, 'quickstart@.service.d')
  const additions = existsSync(beside) ? readdirSync(beside).map((name) => join(beside, name)) : []
  const text = [join(UNITS, 'quickstart@.service'), ...additions].map((file) => readFileSync(file, 'utf8')).join('\n')
  const settings = {}
  for (const [, name, value] of text.matchAll(/^(\w+)=(.*)$/gm)) {
    settings[name] = value === '' ? [] : [...settings[name] ?? [], value.replaceAll('%i', instance)]
  }
  return settings
}

function readEnvironment ({ Environment = [], EnvironmentFile = [] }) {
  const lines = [...Environment, ...EnvironmentFile.flatMap((file) => readFileSync(file, 'utf8').split('\n'))]
  const pairs = lines.filter((line) => /^\w+=/.test(line)).map((line) => /^(\w+)=(.*)$/.exec(line).slice(1))
  return { PATH: '/usr/local/bin:/usr/bin:/bin', ...Object.fromEntries(pairs) }
}

const pidFile = (unit) => join(STATE, `${unit}.pid`)

/** Whether a process runs; one that nobody waits for has ended too. */
function isRunning (pid) {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

async function stop (unit) {
  if (!existsSync(pidFile(unit))) return
  const pid = Number(readFileSync(pidFile(unit), 'utf8'))
  if (isRunning(pid)) process.kill(pid, 'SIGTERM')
  while (isRunning(pid)) await setTimeout(50)
  rmSync(pidFile(unit))
}

function start (unit) {
  const settings = readUnit(unit.replace('quickstart@', ''))
  const log = openSync(join(STATE, `${unit}.log`), 'a')
  const options = { cwd: settings.WorkingDirectory.at(-1), env: readEnvironment(settings), uid, gid, stdio: ['ignore', log, log] }
  const masked = (command) => ['sh', ['-c', `umask ${settings.UMask.at(-1)}; exec ${command}`]]
  for (const command of settings.ExecStartPre ?? []) {
    if (spawnSync(...masked(command), options).status !== 0) throw new Error(`${unit}: ${command} failed`)
  }
  const child = spawn(...masked(settings.ExecStart.at(-1)), { ...options, detached: true })
  child.unref()
  writeFileSync(pidFile(unit), String(child.pid))
}

try {
  for (const unit of words.filter((word) => !word.startsWith('--'))) {
    if (verb === 'restart' || verb === 'stop') await stop(unit)
    if (verb === 'restart' || verb === 'enable') start(unit)
    if (verb === 'reload') process.kill(Number(readFileSync(pidFile(unit), 'utf8')), 'SIGHUP')
  }
} catch (error) {
  console.error(String(error))
  process.exitCode = 1
}
