// The server knows no time zones: each <time> carries the instant, and its tooltip says it in the reader's own time.
const language = document.documentElement.lang;
const format = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' });

export function localTimes(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (!isNaN(at)) time.title = format.format(at);
  }
}
