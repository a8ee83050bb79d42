//! Pixels from the root window: what a person sees there.

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, ImageOrder, Visualtype};

use crate::delivery::ports::{Picture, Trouble};
use crate::events::facts::screen::Rect;

use super::link::{Link, lost, trouble};
use super::survey::clamped;

/// How the screen stores one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes of one pixel, 2 to 4.
    bytes: usize,
    /// Every row is padded to so many bytes.
    pad: usize,
    /// Whether the low byte comes first.
    low_first: bool,
    /// Which bits are red, green and blue.
    masks: [u32; 3],
}

impl Layout {
    /// How the root window of this connection stores its pixels.
    pub(super) fn of(link: &Link) -> Result<Self, Trouble> {
        let setup = link.conn.setup();
        let (depth, visual) = root_visual(link)
            .ok_or_else(|| Trouble::Unsupported("the screen has no visual".to_owned()))?;
        let format = setup.pixmap_formats.iter().find(|f| f.depth == depth);
        let format = format
            .filter(|f| [16, 24, 32].contains(&f.bits_per_pixel))
            .ok_or_else(|| Trouble::Unsupported(format!("a screen of depth {depth}")))?;
        let masks = [visual.red_mask, visual.green_mask, visual.blue_mask];
        if masks.contains(&0) {
            let palette = "a screen with a palette of colours".to_owned();
            return Err(Trouble::Unsupported(palette));
        }
        Ok(Self {
            bytes: usize::from(format.bits_per_pixel / 8),
            pad: usize::from(format.scanline_pad / 8).max(1),
            low_first: setup.image_byte_order == ImageOrder::LSB_FIRST,
            masks,
        })
    }

    /// Rows of red, green, blue from rows of pixels. None when there are too few bytes.
    fn rgb(&self, data: &[u8], width: usize, height: usize) -> Option<Vec<u8>> {
        let used = width.checked_mul(self.bytes)?;
        let stride = used.div_ceil(self.pad).checked_mul(self.pad)?;
        let mut rgb = Vec::with_capacity(width.checked_mul(height)?.checked_mul(3)?);
        let plain = self.bytes == 4 && self.low_first;
        for row in 0..height {
            let start = row.checked_mul(stride)?;
            let row = data.get(start..start.checked_add(used)?)?;
            for pixel in row.chunks_exact(self.bytes) {
                if let ([blue, green, red, _], true, [0xff_0000, 0xff00, 0xff]) =
                    (pixel, plain, self.masks)
                {
                    rgb.extend_from_slice(&[*red, *green, *blue]);
                } else {
                    let value = self.value(pixel);
                    rgb.extend(self.masks.map(|mask| channel(value, mask)));
                }
            }
        }
        Some(rgb)
    }

    fn value(&self, pixel: &[u8]) -> u32 {
        let join = |value: u32, byte: &u8| (value << 8) | u32::from(*byte);
        if self.low_first {
            pixel.iter().rev().fold(0, join)
        } else {
            pixel.iter().fold(0, join)
        }
    }
}

/// The bits of one colour, stretched or cut to eight.
fn channel(value: u32, mask: u32) -> u8 {
    let shifted = (value & mask) >> mask.trailing_zeros();
    let full = mask >> mask.trailing_zeros();
    let scaled = u64::from(shifted) * 255 / u64::from(full.max(1));
    u8::try_from(scaled).unwrap_or(u8::MAX)
}

fn root_visual(link: &Link) -> Option<(u8, Visualtype)> {
    let setup = link.conn.setup();
    let screen = setup.roots.iter().find(|screen| screen.root == link.root)?;
    screen.allowed_depths.iter().find_map(|depth| {
        let visual = depth
            .visuals
            .iter()
            .find(|v| v.visual_id == link.root_visual)?;
        Some((depth.depth, *visual))
    })
}

/// The pixels of a region, clipped to the screen; an empty picture when nothing of it is there.
pub(super) fn capture(link: &Link, layout: Layout, region: Rect) -> Result<Picture, Trouble> {
    // The screen may shrink between the two requests; then look again.
    let mut refused = None;
    for _ in 0..3 {
        let Some(part) = region.intersection(&link.screen()?) else {
            return Ok(Picture {
                region: Rect {
                    width: 0,
                    height: 0,
                    ..region
                },
                rgb: Vec::new(),
            });
        };
        let (width, height) = (in_u16(part.width), in_u16(part.height));
        let asked = link.conn.get_image(
            ImageFormat::Z_PIXMAP,
            link.root,
            clamped(part.x),
            clamped(part.y),
            width,
            height,
            u32::MAX,
        );
        match asked.map_err(lost)?.reply() {
            Ok(image) => {
                let rgb = layout.rgb(&image.data, width.into(), height.into());
                let rgb = rgb.ok_or_else(|| {
                    Trouble::Unsupported("the X server sent too few pixels".to_owned())
                })?;
                return Ok(Picture { region: part, rgb });
            }
            Err(ReplyError::X11Error(error)) => refused = Some(error),
            Err(ReplyError::ConnectionError(error)) => return Err(lost(error)),
        }
    }
    let reason = || Trouble::Unsupported("no pixels".to_owned());
    Err(refused.map_or_else(reason, |error| trouble(ReplyError::X11Error(error))))
}

fn in_u16(length: u32) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUE_COLOUR: Layout = Layout {
        bytes: 4,
        pad: 4,
        low_first: true,
        masks: [0xff_0000, 0xff00, 0xff],
    };

    #[test]
    fn pixels_come_out_as_red_green_blue_whatever_the_screen_stores() {
        let orange = vec![0xff, 0x80, 0x10];
        let low = [0x10, 0x80, 0xff, 0x00];
        assert_eq!(TRUE_COLOUR.rgb(&low, 1, 1), Some(orange.clone()));
        let high_first = Layout {
            low_first: false,
            ..TRUE_COLOUR
        };
        let high = [0x00, 0xff, 0x80, 0x10];
        assert_eq!(high_first.rgb(&high, 1, 1), Some(orange.clone()));
        let swapped = Layout {
            masks: [0xff, 0xff00, 0xff_0000],
            ..TRUE_COLOUR
        };
        let bgr = [0xff, 0x80, 0x10, 0x00];
        assert_eq!(swapped.rgb(&bgr, 1, 1), Some(orange));
        let deep = Layout {
            masks: [0x3ff0_0000, 0x000f_fc00, 0x3ff],
            ..TRUE_COLOUR
        };
        assert_eq!(deep.rgb(&[0xff; 4], 1, 1), Some(vec![255; 3]));
        let high_colour = Layout {
            bytes: 2,
            masks: [0xf800, 0x07e0, 0x001f],
            ..TRUE_COLOUR
        };
        // One pixel of two bytes, the row padded to four.
        assert_eq!(
            high_colour.rgb(&[0x00, 0xf8, 0, 0, 0x1f, 0x00, 0, 0], 1, 2),
            Some(vec![255, 0, 0, 0, 0, 255])
        );
    }

    #[test]
    fn too_few_pixels_are_no_picture() {
        assert_eq!(TRUE_COLOUR.rgb(&[0; 15], 2, 2), None);
    }
}
