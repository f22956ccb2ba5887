// The answer box: sends in the background, keeps what was written over a reload, and never sends one draft twice.
import { openNumber, post, refreshAll, showNewest, toast } from './panes.js';

const box = () => document.getElementById('composer');
const area = () => document.getElementById('text');
const slot = () => 'draft-' + openNumber();
export const hasText = () => Boolean(area()?.value.trim());

function save() {
  const form = box();
  if (!form) return;
  if (!hasText()) { localStorage.removeItem(slot()); return; }
  const kept = { text: area().value, draft: form.elements.draft.value, mode: form.elements.mode.value };
  localStorage.setItem(slot(), JSON.stringify(kept));
}

/** The draft's id comes back with its text, so that sending it again after a lost connection sends nothing twice. */
function restore() {
  const form = box();
  if (!form) return;
  try {
    const kept = JSON.parse(localStorage.getItem(slot()) ?? 'null');
    if (kept?.text) {
      area().value = kept.text;
      form.elements.draft.value = kept.draft;
      if (kept.mode === 'note') document.getElementById('mode-note').checked = true;
    }
  } catch { localStorage.removeItem(slot()); }
  placeholder();
}

function placeholder() {
  const text = area();
  if (!text) return;
  text.dataset.reply ??= text.placeholder;
  text.placeholder = document.getElementById('mode-note').checked ? text.dataset.note : text.dataset.reply;
}

export function write(mode) {
  const choice = document.getElementById('mode-' + mode);
  if (!choice) return;
  // The mode never changes under a text that is being written.
  if (!choice.disabled && !hasText()) { choice.checked = true; placeholder(); }
  area().focus();
}

function freshDraft() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

async function submit(event) {
  const form = event.target;
  if (form.id !== 'composer') return;
  event.preventDefault();
  if (!hasText() || form.dataset.busy) return;
  form.dataset.busy = '1';
  const isNote = document.getElementById('mode-note').checked;
  const button = event.submitter;
  const values = new FormData(form);
  if (isNote) values.delete('files');
  if (button?.name) values.set(button.name, button.value);
  const address = form.getAttribute('action').replace(/\/reply$/, isNote ? '/note' : '/reply');
  for (const each of form.querySelectorAll('button')) each.disabled = true;
  const isDone = await post(address, values);
  delete form.dataset.busy;
  for (const each of form.querySelectorAll('button')) each.disabled = false;
  if (!isDone) { save(); return; }
  localStorage.removeItem(slot());
  area().value = '';
  form.elements.files.value = '';
  form.elements.draft.value = freshDraft();
  toast(isNote ? document.body.dataset.noted : document.body.dataset.sent);
  await refreshAll();
  showNewest();
}

export function startCompose() {
  document.addEventListener('submit', submit);
  document.addEventListener('input', event => { if (event.target.id === 'text') save(); });
  document.addEventListener('change', event => { if (event.target.name === 'mode') { placeholder(); save(); } });
  document.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.target.id !== 'text') return;
    event.preventDefault();
    const isNote = document.getElementById('mode-note').checked;
    box().requestSubmit(box().querySelector(isNote ? '.for-note button' : '.for-reply button'));
  });
  document.addEventListener('conversation', restore);
  restore();
}
