//! What both halves of a socket know of WebSocket frames (RFC 6455 §5).

use bytes::BufMut;

/// Longest payload of a control frame.
pub(crate) const CONTROL_BYTES_MAX: usize = 125;
/// Longest header of an unmasked frame.
pub(crate) const HEADER_BYTES_MAX: usize = 10;
/// Says that no other frame belongs to the message.
pub(crate) const FINAL_BIT: u8 = 0x80;
/// For extensions; we have none.
pub(crate) const RESERVED_BITS: u8 = 0x70;
/// Clients mask, servers do not.
pub(crate) const MASK_BIT: u8 = 0x80;

/// Kinds of frames.
pub(crate) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;
}

/// Takes the mask off bytes that begin at `offset` of a payload.
pub(crate) fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let turned: [u8; 8] = std::array::from_fn(|index| mask[(offset + index) % 4]);
    let wide = u64::from_ne_bytes(turned);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(turned) {
        *byte ^= key;
    }
}

/// Writes the header of an unmasked frame behind which nothing follows.
pub(crate) fn put_header(bytes: &mut Vec<u8>, opcode: u8, len: usize) {
    bytes.put_u8(FINAL_BIT | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if short < 126 => bytes.put_u8(short),
        (_, Ok(medium)) => {
            bytes.put_u8(126);
            bytes.put_u16(medium);
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(len as u64);
        }
    }
}

/// Writes a control frame.
pub(crate) fn put_control(bytes: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    let payload = &payload[..payload.len().min(CONTROL_BYTES_MAX)];
    put_header(bytes, opcode, payload.len());
    bytes.put_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_comes_off_wherever_a_part_begins() {
        let mask = [1, 2, 3, 4];
        let masked: Vec<u8> = (0..40_u8).map(|it| it ^ mask[usize::from(it) % 4]).collect();
        for cut in 0..masked.len() {
            let (mut one, mut two) = (masked[..cut].to_vec(), masked[cut..].to_vec());
            unmask(&mut one, mask, 0);
            unmask(&mut two, mask, cut);
            assert_eq!([one, two].concat(), (0..40).collect::<Vec<u8>>(), "cut at {cut}");
        }
    }
}
