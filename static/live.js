// Follows the server's events; what changed is fetched as fragments, at most a few times a second.
import { openTicket, refreshConversation, refreshList } from './panes.js';

const LEAST_WAIT = 250;
const sign = document.getElementById('live');
let position = document.body.dataset.position;
let arrived = new Set();
let isListStale = false;
let isOpenStale = false;
let isRunning = false;

function show(state) {
  sign.classList.toggle('on', state === 'live');
  sign.classList.toggle('lost', state === 'lost');
  sign.querySelector('span').textContent = sign.dataset[state];
}

async function work() {
  if (isRunning) return;
  isRunning = true;
  while (isListStale || isOpenStale) {
    const names = [...arrived];
    const jobs = [];
    if (isListStale) jobs.push(refreshList(names));
    if (isOpenStale) jobs.push(refreshConversation());
    arrived = new Set();
    isListStale = isOpenStale = false;
    await Promise.allSettled(jobs);
    await new Promise(resolve => setTimeout(resolve, LEAST_WAIT));
  }
  isRunning = false;
}

function connect() {
  const source = new EventSource('/live?after=' + position);
  source.onopen = () => show('live');
  source.onerror = () => {
    show('lost');
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
  source.addEventListener('change', event => {
    position = event.lastEventId || position;
    const news = JSON.parse(event.data);
    for (const id of news.arrived) arrived.add(id);
    isListStale = true;
    if (news.tickets.includes(openTicket())) isOpenStale = true;
    work();
  });
  source.addEventListener('reset', event => {
    position = event.lastEventId || position;
    isListStale = isOpenStale = true;
    work();
  });
}

export function startLive() {
  connect();
}
