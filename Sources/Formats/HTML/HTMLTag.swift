/// The elements of HTML that somebody asks for, as numbers: what is asked of every tag costs no comparison of words.
enum HTMLTag: UInt8, CaseIterable {
    case unknown
    case a, abbr, acronym, address, applet, area, article, aside, audio, b, base, basefont, bdi, bdo, bgsound, big, blockquote, body, br
    case button, canvas, caption, center, cite, code, col, colgroup, data, datalist, dd, del, details, dfn, dialog, dir, div, dl, dt, em
    case embed, fieldset, figcaption, figure, font, footer, form, frame, frameset, h1, h2, h3, h4, h5, h6, head, header, hgroup, hr, html
    case i, iframe, image, img, input, ins, kbd, keygen, label, legend, li, link, listing, main, map, mark, marquee, math, menu, meta
    case meter, nav, nobr, noembed, noframes, noscript, object, ol, optgroup, option, output, p, param, picture, plaintext, pre, progress
    case q, rp, rt, ruby, s, samp, script, section, select, small, source, span, strike, strong, style, sub, summary, sup, svg, table
    case tbody, td, template, textarea, tfoot, th, thead, time, title, tr, track, tt, u, ul, `var`, video, wbr, xmp

    private static let names: [String] = allCases.map { "\($0)" }

    /// In lower case; empty for an unknown one.
    var name: String { self == .unknown ? "" : Self.names[Int(rawValue)] }

    /// A name packed: its first and its last eight bytes. No name has more than sixteen.
    private struct Key: Equatable {
        var first: UInt64 = 0
        var last: UInt64 = 0
        var count: Int

        init(_ name: UnsafeBufferPointer<UInt8>) {
            count = name.count
            for i in 0..<min(count, 8) { first = first << 8 | UInt64(ASCII.lower(name[i])) }
            for i in max(count - 8, 0)..<count { last = last << 8 | UInt64(ASCII.lower(name[i])) }
        }

        private var mixed: UInt64 { ((first ^ (last &* 31)) &+ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15 }
        var slot: Int { Int(truncatingIfNeeded: mixed &>> 54) }
    }

    /// Places by slot, each open slot the next; twice as many as it takes, and more.
    private static let slots: [(key: Key, tag: HTMLTag)?] = {
        var found = [(key: Key, tag: HTMLTag)?](repeating: nil, count: 1024)
        for tag in allCases where tag != .unknown {
            let key = Array(tag.name.utf8).withUnsafeBufferPointer { Key($0) }
            var slot = key.slot
            while found[slot] != nil { slot = (slot + 1) & 1023 }
            found[slot] = (key, tag)
        }
        return found
    }()

    /// - Parameter name: in any case of letters.
    static func of(_ name: UnsafeBufferPointer<UInt8>) -> HTMLTag {
        guard name.count <= 16 else { return .unknown }
        let key = Key(name)
        var slot = key.slot
        while let found = slots[slot] {
            if found.key == key { return found.tag }
            slot = (slot + 1) & 1023
        }
        return .unknown
    }
}

/// A set of elements, as bits.
struct HTMLTags {
    private var low: UInt64 = 0
    private var middle: UInt64 = 0
    private var high: UInt64 = 0

    init(_ tags: HTMLTag...) {
        for tag in tags {
            let bit: UInt64 = 1 << UInt64(tag.rawValue & 63)
            switch tag.rawValue >> 6 {
            case 0: low |= bit
            case 1: middle |= bit
            default: high |= bit
            }
        }
    }

    func contains(_ tag: HTMLTag) -> Bool {
        let word = tag.rawValue < 64 ? low : tag.rawValue < 128 ? middle : high
        return word >> UInt64(tag.rawValue & 63) & 1 == 1
    }
}
