// What the pages do beyond plain HTML. Everything also works without it.
import { startKeys } from './keys.js';
import { startLive } from './live.js';
import { startPanes, post, refreshAll } from './panes.js';
import { startCompose } from './compose.js';
import { localTimes } from './times.js';

localTimes(document);

document.addEventListener('submit', event => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// A click elsewhere, or Escape, closes what is open.
document.addEventListener('click', event => {
  for (const pop of document.querySelectorAll('details.pop[open]')) if (!pop.contains(event.target)) pop.open = false;
});

if (document.body.classList.contains('inbox')) {
  startPanes();
  startCompose();
  startKeys();
  startLive();
  document.addEventListener('change', async event => {
    const form = event.target.closest('form.auto');
    if (!form) return;
    if (await post(form.action, new URLSearchParams(new FormData(form)))) refreshAll();
  });
}
