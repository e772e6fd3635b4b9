//! Points of the curve, of any order, for the second sum.
use std::sync::LazyLock;

use super::field::{Loose, Tight};
use crate::point::is_canonical;

/// -121665/121666, the curve's d.
static D: LazyLock<Tight> = LazyLock::new(|| Tight::small(121_665).negate().mul(Tight::small(121_666).invert()));

/// X, Y, Z, T with x = X/Z, y = Y/Z, T = XY/Z.
#[derive(Clone, Copy)]
pub struct Point {
    x: Tight,
    y: Tight,
    z: Tight,
    t: Tight,
}

/// What an addition wants of its second point.
#[derive(Clone, Copy)]
pub struct Addend {
    /// Y - X and Y + X
    minus: Loose,
    plus: Loose,
    /// 2Z
    z2: Loose,
    /// 2dT
    t2d: Tight,
}

impl Point {
    pub const IDENTITY: Point = Point { x: Tight::ZERO, y: Tight::ONE, z: Tight::ONE, t: Tight::ZERO };

    /// The point of a canonical encoding, or None if that is none or not on the curve.
    ///
    /// `hint` is what somebody says of x. It is not believed: only if it has the sign that the encoding says and solves the
    /// curve's equation with the encoding's y it is x, for there is one such number. Otherwise the root is computed.
    pub fn decode(encoding: &[u8; 32], hint: Option<&[u8; 32]>) -> Option<Point> {
        if !is_canonical(encoding) {
            return None;
        }
        let y = Tight::from_bytes(encoding);
        let odd = encoding[31] >> 7 == 1;
        let hinted = hint.and_then(|hint| {
            let point = Point::affine(Tight::from_bytes(hint), y);
            (point.x.is_odd() == odd && point.is_on_curve()).then_some(point)
        });
        hinted.or_else(|| {
            let yy = y.square();
            let (u, v) = (yy.sub(Tight::ONE).carry(), yy.mul(*D).add(Tight::ONE).carry());
            let x = u.root_of_ratio(v)?;
            Some(Point::affine(if x.is_odd() == odd { x } else { x.negate() }, y))
        })
    }

    fn affine(x: Tight, y: Tight) -> Point {
        Point { x, y, z: Tight::ONE, t: x.mul(y) }
    }

    /// y^2 - x^2 = 1 + d (xy)^2, of a point with Z = 1.
    fn is_on_curve(&self) -> bool {
        let left = self.y.square().sub(self.x.square()).carry();
        let right = D.mul(self.t).mul(self.t).add(Tight::ONE).carry();
        left == right
    }

    /// Complete: right for equal points and the identity too (Hisil, Wong, Carter, Dawson, ASIACRYPT 2008, section 3.1).
    pub fn add(&self, other: &Addend) -> Point {
        let a = self.y.sub(self.x).mul(other.minus);
        let b = self.y.add(self.x).mul(other.plus);
        let c = self.t.mul(other.t2d);
        let d = self.z.loose().mul(other.z2);
        let (e, f, g, h) = (b.sub(a), d.sub(c), d.add(c), b.add(a));
        Point { x: e.mul(f), y: g.mul(h), z: f.mul(g), t: e.mul(h) }
    }

    pub fn addend(&self) -> Addend {
        let td = self.t.mul(*D);
        Addend { minus: self.y.sub(self.x), plus: self.y.add(self.x), z2: self.z.add(self.z), t2d: td.add(td).carry() }
    }

    pub fn double(&self) -> Point {
        self.add(&self.addend())
    }

    /// count · self, bit by bit.
    pub fn times(&self, count: u64) -> Point {
        let addend = self.addend();
        (0..u64::BITS).rev().fold(Point::IDENTITY, |sum, bit| {
            let sum = sum.double();
            if count >> bit & 1 == 1 { sum.add(&addend) } else { sum }
        })
    }

    pub fn encode(&self) -> [u8; 32] {
        let inverse = self.z.invert();
        let mut encoding = self.y.mul(inverse).to_bytes();
        encoding[31] |= u8::from(self.x.mul(inverse).is_odd()) << 7;
        encoding
    }
}

impl Addend {
    pub fn negate(&self) -> Addend {
        Addend { minus: self.plus, plus: self.minus, z2: self.z2, t2d: self.t2d.negate() }
    }
}
