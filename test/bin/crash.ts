import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const headers = join(process.execPath, '..', '..', 'include', 'node')
const canCompile = existsSync(join(headers, 'node_api.h')) && spawnSync('g++', ['--version']).status === 0

/** Why no fault of native code can be made here; false where one can. */
export const lacksCrash = !canCompile && 'an addon needs g++ and the headers of Node'

/** A function that writes to address 0. */
const addon = `#include <node_api.h>
static napi_value crash (napi_env env, napi_callback_info info) {
  *(volatile int *)0 = 1;
  return NULL;
}
NAPI_MODULE_INIT() {
  napi_value value;
  napi_create_function(env, "crash", NAPI_AUTO_LENGTH, crash, NULL, &value);
  return value;
}
`

/** Makes an addon in a folder. Returns a route for `--routes`, GET /crash, that runs into a fault of native code. */
export function makeCrashRoute (folder: string): string {
  const source = join(folder, 'crash.cc')
  const library = join(folder, 'crash.node')
  writeFileSync(source, addon)
  const { status, stderr } = spawnSync('g++', ['-shared', '-fPIC', '-I', headers, '-o', library, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return `app.get('/crash', () => process.getBuiltinModule('node:module').createRequire('/')('${library}')())\n`
}
