// Single letters, none of which fires while somebody types, none with Alt, Ctrl or Meta.
import { back, open, openNumber, post, refreshAll, toast } from './panes.js';
import { write } from './compose.js';

const items = () => [...document.querySelectorAll('#list .items a')];

function move(step) {
  const all = items();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement);
  const start = here >= 0 ? here : all.findIndex(link => link.hasAttribute('aria-current'));
  const next = all[Math.min(all.length - 1, Math.max(0, start < 0 ? 0 : start + step))];
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

async function setStatus(status, undo) {
  const number = openNumber();
  if (!number || !(await post(`/tickets/${number}/status`, new URLSearchParams({ status })))) return;
  await refreshAll();
  if (undo) toast(`#${number} · ${document.body.dataset.solved}`, document.body.dataset.undo, () => setStatus(undo));
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  o: () => { const link = items().find(each => each === document.activeElement) ?? items()[0]; if (link) open(link.href); },
  r: () => write('reply'),
  n: () => write('note'),
  e: () => setStatus('solved', document.getElementById('set-status')?.value ?? 'open'),
  a: async () => {
    const number = openNumber();
    if (number && (await post(`/tickets/${number}/assign`, new URLSearchParams({ agent: 'me' })))) {
      await refreshAll();
      toast(`#${number} · ${document.body.dataset.assigned}`);
    }
  },
  u: () => back(),
  '/': () => document.getElementById('search').focus(),
  '?': () => { const keys = document.getElementById('keys'); keys.open = !keys.open; },
};

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== 'radio';
}

export function startKeys() {
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      const opened = document.querySelectorAll('details.pop[open]');
      for (const each of opened) each.open = false;
      if (location.hash === '#views' || location.hash === '#customer') location.hash = '#list';
      else if (!opened.length && isTyping(event.target)) event.target.blur();
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || isTyping(event.target)) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
