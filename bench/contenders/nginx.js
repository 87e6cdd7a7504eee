// nginx with one worker.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { job } from './announce.js'
import { freePort } from '../free-port.js'
import { runForeign } from './foreign.js'

const port = await freePort()
const folder = join(job.folder, `nginx-${port}`)
mkdirSync(join(folder, 'temp'), { recursive: true })

/** @type {Record<string, string>} */
const topics = {
  hello: 'location = / { default_type "text/plain; charset=utf-8"; add_header x-content-type-options nosniff; return 200 "Hello World!"; }',
  static: `location /static/ { alias ${job.root}/; etag on; add_header cache-control no-cache; gzip_static off; }`,
  auth: `location = /guarded { auth_basic "Login Required"; auth_basic_user_file ${job.users?.bcrypt}; default_type "text/plain; charset=utf-8"; try_files /nothing @in; }
    location @in { default_type "text/plain; charset=utf-8"; return 200 "Come in"; }`
}
topics.unchanged = topics.static

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp/${name};`).join(' ')
writeFileSync(join(folder, 'nginx.conf'), `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  ${temporary}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=20000 inactive=60s;
  types { text/javascript js; }
  charset utf-8;
  charset_types text/javascript;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
    ${topics[job.topic]}
  }
}
`)
await runForeign(['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], port)
