// The box she writes in: text, photos, the limit, and what is typed but not yet sent.

import { preparePhoto } from './photos.js';
import { language, say } from './wording.js';

const MOST_CHARS = 4000;
const MOST_PHOTOS = 5;

const form = document.getElementById('composer');
const box = document.getElementById('text');
const sendButton = document.getElementById('send');
const picker = document.getElementById('photo');
const previews = document.getElementById('previews');
const note = document.getElementById('note');

let photos = [];
let preparing = 0;
let draftKey = '';
let closed = false;

const charsOf = (text) => Array.from(text.normalize('NFC')).length;
const figure = (number) => number.toLocaleString(language);

// Tabs are often ended while the camera is open; sessionStorage outlives that and dies with the tab.
export function keepDraft(text) {
  try {
    if (text) sessionStorage.setItem(draftKey, text);
    else sessionStorage.removeItem(draftKey);
  } catch (error) { /* storage refused: the draft lives in the box only */ }
}

function readDraft() {
  try { return sessionStorage.getItem(draftKey) || ''; } catch (error) { return ''; }
}

function grow() {
  box.style.height = 'auto';
  box.style.height = Math.min(box.scrollHeight + 2, window.innerHeight * 0.3) + 'px';
}

function noteText(over) {
  if (over > 0) return say('page.too_long', { limit: figure(MOST_CHARS), count: figure(over) });
  return preparing ? say('page.preparing') : '';
}

// A note about a photo stays until she does something else.
function refresh(other) {
  const over = charsOf(box.value) - MOST_CHARS;
  const text = noteText(over) || other || '';
  if (note.textContent !== text) note.textContent = text;
  box.setAttribute('aria-invalid', String(over > 0));
  sendButton.disabled = closed || over > 0 || preparing > 0;
  grow();
}

// ---- photos

function preview(photo, index) {
  const item = document.createElement('li');
  if (photo.thumb) {
    const image = document.createElement('img');
    const address = URL.createObjectURL(photo.thumb);
    image.addEventListener('load', () => URL.revokeObjectURL(address));
    image.alt = say('page.photo_number', { number: index + 1 });
    image.src = address;
    item.append(image);
  }
  const remove = document.createElement('button');
  remove.type = 'button';
  remove.textContent = '×';
  remove.setAttribute('aria-label', say('page.remove_photo', { number: index + 1 }));
  remove.addEventListener('click', () => {
    photos = photos.filter((other) => other !== photo);
    drawPreviews();
    refresh();
    picker.focus();
  });
  item.append(remove);
  return item;
}

function drawPreviews() {
  previews.textContent = '';
  photos.forEach((photo, index) => previews.append(preview(photo, index)));
  previews.hidden = photos.length === 0;
}

async function addPhotos(files) {
  const room = MOST_PHOTOS - photos.length - preparing;
  const taken = files.slice(0, Math.max(0, room));
  let problem = files.length > taken.length ? say('page.too_many_photos', { limit: MOST_PHOTOS }) : '';
  preparing += taken.length;
  refresh(problem);
  for (const file of taken) { // one at a time: old phones have little memory
    const photo = await preparePhoto(file);
    preparing -= 1;
    if (photo) photos.push(photo);
    else problem = say('page.bad_photo');
    drawPreviews();
    refresh(problem);
  }
}

// ---- the box

function clear() {
  box.value = '';
  photos = [];
  drawPreviews();
  refresh();
}

async function submit(send) {
  const text = box.value.normalize('NFC').trim();
  if (sendButton.disabled || (!text && !photos.length)) {
    box.focus();
    return;
  }
  const kept = send({ text: text || null, photos });
  clear();
  box.focus();
  await kept;
  keepDraft(box.value); // not earlier: a page that ends before the message is written gives it back in the box
}

// On a phone Enter is a new line; while an input method is composing a Vietnamese letter it belongs to that.
function sendsNow(event) {
  const typing = event.isComposing || event.keyCode === 229;
  return event.key === 'Enter' && !event.shiftKey && !typing && window.matchMedia('(pointer: fine)').matches;
}

// `lastText`: what she sent last; a draft that says the same was sent after all.
export function startComposer(name, send, lastText) {
  draftKey = name + 'draft';
  form.addEventListener('submit', (event) => { event.preventDefault(); submit(send); });
  box.addEventListener('keydown', (event) => { if (sendsNow(event)) { event.preventDefault(); submit(send); } });
  box.addEventListener('input', () => { keepDraft(box.value); refresh(); });
  window.addEventListener('resize', grow);
  picker.addEventListener('change', () => {
    const files = Array.from(picker.files);
    picker.value = '';
    addPhotos(files);
  });
  const draft = readDraft();
  if (!box.value && draft.trim() !== lastText) box.value = draft; // on a slow phone she may be typing already
  refresh();
}

export const hasPhotos = () => photos.length > 0 || preparing > 0;

// For the moment before a reload: a press now would be lost with the page.
export function closeComposer() {
  closed = true;
  refresh();
}

export function writeInBox(text) {
  box.value = text;
  keepDraft(text);
  refresh();
  box.focus();
}

// False if she is writing something else, which must not be overwritten.
export const boxIsEmpty = () => !box.value.trim();
