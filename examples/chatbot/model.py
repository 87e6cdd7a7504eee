import json, random, select
from pydoc_data.topics import topics  # Python's own language reference: 700 kB of text

words, after = ' '.join(topics.values()).split(), {}
for first, second in zip(words, words[1:]):
    after.setdefault(first, []).append(second)

questions = open(0, 'rb', buffering=0)  # unbuffered, so that select() sees each line that waits
for line in questions:
    if 'messages' not in (message := json.loads(line)): continue  # cancels an answer that had ended
    known = [word for word in message['messages'][-1]['content'].split() if word in after]
    word = random.choice(known or words)
    for _ in range(60):
        if select.select([questions], [], [], 0)[0]: break  # the next line is {"cancel": true}
        print(json.dumps({'id': message['id'], 'token': word + ' '}), flush=True)
        word = random.choice(after.get(word, words))
    print(json.dumps({'id': message['id'], 'done': True}), flush=True)
