// SPDX-License-Identifier: BSD-3-Clause
//
// workers.js THREADS ROUNDS -- what node asks malloc for, on several threads
'use strict';
const { Worker, isMainThread, parentPort, workerData } =
	require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');

function digest(...values) {
	const hash = crypto.createHash('sha256');
	for (const value of values)
		hash.update(value);
	return hash.digest('hex').slice(0, 16);
}

function work(seed, rounds) {
	let state = seed;
	const draw = (n) => {
		state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
		return (state >> 8) % n;
	};
	const kept = new Map();
	const answers = [];
	for (let round = 0; round < rounds; round++) {
		for (let n = 0; n < 300; n++) {
			const buffer = Buffer.alloc(1 + draw(20000), n & 255);
			kept.set(draw(500), buffer);
		}
		const all = Buffer.concat([...kept.values()].slice(0, 100));
		const packed = zlib.deflateSync(all, { level: 1 });
		if (!zlib.inflateSync(packed).equals(all))
			throw new Error('zlib gave something else');
		const text = JSON.stringify([...kept.keys()].sort());
		const copy = structuredClone(new Map(kept));
		answers.push(digest(all, packed, text,
			copy.get([...copy.keys()][0])));
	}
	return digest(...answers);
}

if (isMainThread) {
	const threads = Number(process.argv[2]);
	const rounds = Number(process.argv[3]);
	const answers = [];
	let running = threads;
	for (let n = 0; n < threads; n++) {
		const worker = new Worker(__filename,
			{ workerData: { seed: n + 1, rounds } });
		worker.on('message', ({ answer, blob }) => {
			answers[n] = `${answer} ${digest(blob)}`;
		});
		worker.on('exit', (code) => {
			answers[n] += ` ${code}`;
			if (--running === 0)
				console.log(answers.join('\n'));
		});
	}
} else {
	const { seed, rounds } = workerData;
	const answer = work(seed, rounds);
	const blob = new Uint8Array(3000000).fill(seed);
	parentPort.postMessage({ answer, blob }, [blob.buffer]);
}
