// The list and the conversation, replaced in place by fragments of the very same page.
import { localTimes } from './times.js';

const csrf = document.querySelector('meta[name=csrf]')?.content ?? '';
const main = () => document.getElementById('main');
const list = () => document.getElementById('list');
export const openNumber = () => main()?.dataset.number ?? '';
export const openTicket = () => main()?.dataset.ticket ?? '';

async function fragment(address) {
  const answer = await fetch(address, { headers: { Accept: 'text/html' } });
  if (answer.status === 401) { location.href = '/login?next=' + encodeURIComponent(location.pathname + location.search); }
  if (!answer.ok) throw new Error('HTTP ' + answer.status);
  const parsed = new DOMParser().parseFromString(await answer.text(), 'text/html');
  localTimes(parsed);
  return parsed;
}

/** Posts a form in the background. True when it was done; otherwise says so. */
export async function post(address, values) {
  try {
    const answer = await fetch(address, { method: 'POST', body: values, headers: { 'X-CSRF-Token': csrf } });
    if (answer.ok) return true;
  } catch { /* the network is gone; told below */ }
  toast(document.body.dataset.failed);
  return false;
}

function swap(id, fresh) {
  const old = document.getElementById(id);
  const next = fresh.getElementById(id);
  if (!old || !next || old.outerHTML === next.outerHTML) return;
  const key = old.contains(document.activeElement) ? document.activeElement.dataset.ticket : undefined;
  const top = old.scrollTop;
  old.replaceWith(next);
  next.scrollTop = top;
  if (key) next.querySelector(`[data-ticket="${key}"]`)?.focus({ preventScroll: true });
}

function markOpen() {
  for (const link of list().querySelectorAll('[data-ticket]')) {
    if (link.dataset.ticket === openTicket()) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}

export async function refreshList(arrived = []) {
  const before = new URLSearchParams(location.search).get('before');
  const fresh = await fragment('/' + list().dataset.address + (before ? '&before=' + before : '') + '&fragment=list');
  const address = openTicket();
  for (const link of fresh.querySelectorAll('[data-ticket]')) if (link.dataset.ticket === address) link.setAttribute('aria-current', 'true');
  swap('views', fresh);
  swap('list', fresh);
  for (const id of arrived) {
    const link = list().querySelector(`[data-ticket="${id}"]`);
    if (!link) continue;
    link.parentElement.classList.add('arrived');
    const words = [document.body.dataset.arrived, link.querySelector('.who')?.textContent + ':', link.querySelector('.subj')?.textContent];
    document.getElementById('announce').textContent = words.join(' ');
  }
}

/** Brings messages, head and customer up to date and leaves the answer that is being written alone. */
export async function refreshConversation() {
  const number = openNumber();
  if (!number) return;
  const fresh = await fragment('/tickets/' + number + list().dataset.address + '&fragment=conversation');
  if (openNumber() !== number) return;
  const thread = document.getElementById('thread');
  const isAtEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
  const open = new Set([...document.querySelectorAll('.msg:has(details[open])')].map(message => message.id));
  for (const message of fresh.querySelectorAll('.msg')) {
    const old = document.getElementById(message.id);
    if (old && open.has(message.id)) message.replaceWith(old);
  }
  if (!document.querySelector('#head details[open], #head select:focus')) swap('head', fresh);
  const next = fresh.getElementById('thread');
  if (next && next.innerHTML !== thread.innerHTML) {
    thread.replaceChildren(...next.childNodes);
    if (isAtEnd) showNewest();
  }
  swap('customer', fresh);
}

export async function refreshAll() {
  await Promise.all([refreshList(), refreshConversation()]).catch(() => {});
}

export async function open(href, push = true) {
  const address = new URL(href, location);
  const isTicket = address.pathname.startsWith('/tickets/');
  if (!isTicket) { location.href = href; return; }
  const part = new URL(address);
  part.searchParams.set('fragment', 'conversation');
  const fresh = await fragment(part);
  main().replaceWith(fresh.getElementById('main'));
  document.getElementById('customer').replaceWith(fresh.getElementById('customer'));
  document.body.classList.add('has-open');
  document.title = main().querySelector('h1').textContent + ' · Hongyan';
  if (push) history.pushState(null, '', address);
  markOpen();
  showNewest();
  document.dispatchEvent(new Event('conversation'));
}

/** Scrolls to the end, but never past the beginning of the newest message. */
export function showNewest() {
  const thread = document.getElementById('thread');
  const last = thread?.querySelector('.msg:last-of-type');
  if (last) thread.scrollTop = Math.min(thread.scrollHeight, last.offsetTop - thread.offsetTop - 24);
}

/** Back to the list; on a wide screen only the address changes. */
export function back(push = true) {
  document.body.classList.remove('has-open');
  if (push) history.pushState(null, '', '/' + list().dataset.address);
  (list().querySelector('[aria-current]') ?? list().querySelector('[data-ticket]'))?.focus();
}

let timer;
export function toast(text, action, run) {
  const place = document.getElementById('toast');
  place.replaceChildren(text);
  if (action) {
    const button = document.createElement('button');
    button.textContent = action;
    button.onclick = () => { place.replaceChildren(); run(); };
    place.append(button);
  }
  clearTimeout(timer);
  timer = setTimeout(() => place.replaceChildren(), 6000);
}

export function startPanes() {
  let here = location.pathname + location.search;
  document.addEventListener('conversation', () => { here = location.pathname + location.search; });
  document.addEventListener('click', event => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest('a');
    if (!link) return;
    if (link.matches('#list a[data-ticket]')) {
      event.preventDefault();
      open(link.href).catch(() => { location.href = link.href; });
    } else if (link.matches('.back') && matchMedia('(max-width: 700px)').matches) {
      event.preventDefault();
      back();
    }
  });
  addEventListener('popstate', () => {
    // Only the part after # changed: something slid in or out.
    if (here === location.pathname + location.search) return;
    here = location.pathname + location.search;
    if (location.pathname.startsWith('/tickets/')) open(location.href, false).catch(() => location.reload());
    else if (new URLSearchParams(location.search).get('view') === new URLSearchParams(list().dataset.address).get('view')) back(false);
    else location.reload();
  });
  if (!location.hash) showNewest();
  // "4 min ago" goes on.
  setInterval(() => { if (!document.hidden) refreshAll(); }, 60000);
}
