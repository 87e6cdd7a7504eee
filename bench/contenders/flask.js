// Flask behind gunicorn, with one worker of threads, as its deployment guide has it.
import { fileURLToPath } from 'node:url'
import { job } from './announce.js'
import { freePort } from '../free-port.js'
import { runForeign } from './foreign.js'

const port = await freePort()
process.env.BENCH_JOB = process.argv[2]
process.env.BENCH_TOPIC = job.topic
await runForeign(['gunicorn', '--workers', '1', '--threads', '4', '--keep-alive', '60', '--bind', `127.0.0.1:${port}`, '--log-level', 'critical', '--chdir', fileURLToPath(new URL('.', import.meta.url)), 'flask_app:app'], port)
