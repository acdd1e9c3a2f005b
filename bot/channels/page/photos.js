// Makes photos small on the phone, before they are kept: a weak line carries 200 kB, not 5 MB.
// Drawing them anew also leaves out the place where they were taken.

const LONGEST = 1600;
const THUMB = 320;
const MAX_BYTES = 12 * 1024 * 1024;
const SENDABLE = ['image/jpeg', 'image/png', 'image/webp'];

function open(file) {
  return new Promise((resolve, reject) => {
    const address = URL.createObjectURL(file);
    const image = new Image();
    image.onload = () => { URL.revokeObjectURL(address); resolve(image); };
    image.onerror = () => { URL.revokeObjectURL(address); reject(new Error('unreadable')); };
    image.src = address;
  });
}

function draw(image, longest, quality) {
  const scale = Math.min(1, longest / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#fff'; // JPEG has no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    const done = (blob) => (blob ? resolve({ blob, width: canvas.width, height: canvas.height }) : reject(new Error('no picture')));
    canvas.toBlob(done, 'image/jpeg', quality);
  });
}

// Browsers without this property ignore "turned" photos when drawing; the original keeps the hint for the server.
const turnsPhotos = () => Boolean(window.CSS && CSS.supports && CSS.supports('image-orientation', 'from-image'));

// Returns {blob, thumb, width, height}; null if the file cannot be sent.
export async function preparePhoto(file) {
  try {
    const image = await open(file);
    const thumb = await draw(image, THUMB, 0.7);
    const full = turnsPhotos() ? await draw(image, LONGEST, 0.8) : original(file);
    return full && { blob: full.blob, thumb: thumb.blob, width: thumb.width, height: thumb.height };
  } catch (error) {
    return original(file);
  }
}

function original(file) {
  if (!SENDABLE.includes(file.type) || file.size > MAX_BYTES) return null;
  return { blob: file, thumb: null, width: 0, height: 0 };
}
