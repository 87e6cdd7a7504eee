import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'

const root = resolve(import.meta.dirname, '..', '..')

/** A folder outside the repository that every account can read, removed when the test ends. */
export function scratch (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'operations-'))
  chmodSync(folder, 0o755)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a program, which is killed when the test ends. */
export function start (
  t: Test, file: string, args: string[], cwd: string, env: Record<string, string> = {}, account: object = {}
): ChildProcess {
  const options = { cwd, env: { ...process.env, ...env }, ...account }
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

/** Waits until a URL answers with success. */
export async function answering (url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (await fetch(url, { headers: { connection: 'close' } }).then(({ ok }) => ok, () => false)) return
    if (tries === 300) throw new Error(`${url} does not answer`)
    await setTimeout(100)
  }
}

/** A proxy of deploy/ in front of two instances. */
export interface Proxied {
  /** A folder of its own. */
  folder: string
  port: number
  /** The instances: `127.0.0.1:5001`, or, for nginx, `unix:/run/…` */
  upstreams: [one: string, two: string]
  /** The account that nginx runs as. */
  account?: { uid: number, gid: number }
}

/** Starts the proxies with the files of deploy/, changed only where a certificate or a fixed port would be needed. */
export const proxies: Record<string, (t: Test, proxied: Proxied) => void> = {
  caddy (t, { folder, port, upstreams: [one, two] }) {
    const options = '{\n\tadmin off\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n'
    writeFileSync(join(folder, 'Caddyfile'), options + readFileSync(join(root, 'deploy', 'Caddyfile'), 'utf8'))
    start(t, 'caddy', ['run', '--adapter', 'caddyfile', '--config', 'Caddyfile'], folder, {
      SITE: `http://:${port}`,
      ONE: one,
      TWO: two,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder
    })
  },
  nginx (t, { folder, port, upstreams: [one, two], account }) {
    const conf = readFileSync(join(root, 'deploy', 'nginx.conf'), 'utf8')
      .replace(/\nserver \{\n {4}listen 80;[^}]*\}\n/, '')
      .replace('listen 443 ssl', `listen 127.0.0.1:${port}`)
      .replace(/ {4}ssl_.*\n/g, '')
      .replace('127.0.0.1:5001', one)
      .replace('127.0.0.1:5002', two)
    // gzip is on, as in Debian's own nginx.conf.
    writeFileSync(join(folder, 'nginx.conf'), `daemon off; master_process off; pid ${folder}/nginx.pid;
      error_log stderr crit; events {} http { access_log off; gzip on; client_body_temp_path ${folder}/a;
      proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d;
      scgi_temp_path ${folder}/e;\n${conf}}`)
    start(t, 'nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'], folder, {}, account)
  }
}
