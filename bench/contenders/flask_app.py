import hmac
import json
import os

from flask import Flask, Response, jsonify, render_template, request, send_from_directory

with open(os.environ['BENCH_JOB']) as file:
    job = json.load(file)

app = Flask(__name__, static_folder=None, template_folder=job.get('views'))

page_data = job.get('pageData')
users = {}
if 'users' in job:
    with open(job['users']['plain']) as file:
        users = dict(line.rstrip('\n').split(':', 1) for line in file)


def text(body):
    return Response(body, content_type='text/plain; charset=utf-8', headers={'x-content-type-options': 'nosniff'})


@app.get('/')
def home():
    if job['topic'] == 'page':
        return render_template('page.html', **page_data)
    return text('Hello World!')


@app.get('/static/<path:name>')
def static_file(name):
    return send_from_directory(job['root'], name, etag=True, conditional=True)


@app.get('/user/<username>')
def user(username):
    return text(f'User {username}')


@app.get('/search')
def search():
    page = request.args.get('page', 1, type=int)
    if page < 1:
        return text('page must be an integer from 1 on'), 400
    answer = jsonify(q=request.args.get('q', ''), page=page, tag=request.args.getlist('tag'))
    answer.headers['x-content-type-options'] = 'nosniff'
    return answer


@app.get('/guarded')
def guarded():
    given = request.authorization
    expected = users.get(given.username) if given is not None and given.type == 'basic' else None
    if expected is None or not hmac.compare_digest(expected.encode(), given.password.encode()):
        return Response('Login required', 401, {'www-authenticate': 'Basic realm="Login Required"'})
    return Response('Come in', content_type='text/plain; charset=utf-8')
