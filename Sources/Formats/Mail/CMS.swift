/// S/MIME envelopes (RFC 8551, CMS of RFC 5652): what kind it is, and the content of one that is signed only. Nothing is verified here.
enum CMS {
    static let depthMax = 32
    static let elementsMax = 100_000

    enum Content {
        /// The signed entity, a MIME part of its own.
        case signed([UInt8])
        /// Certificates or revocation lists only.
        case certificates
        case encrypted
        case compressed
    }

    /// Nil when the bytes are none.
    static func read(_ bytes: [UInt8]) -> Content? {
        var reader = BER(bytes)
        guard let info = reader.element(at: 0, end: bytes.count, depth: 0), info.tag == 0x30,
            let type = reader.element(at: info.content.lowerBound, end: info.content.upperBound, depth: 1), type.tag == 0x06
        else { return nil }
        switch Array(bytes[type.content]) {
        case pkcs7 + [2]: return signed(&reader, from: type.next, end: info.content.upperBound)
        case pkcs7 + [3], pkcs7 + [6], pkcs9 + [16, 1, 23]: return .encrypted
        case pkcs9 + [16, 1, 9]: return .compressed
        default: return nil
        }
    }

    private static let pkcs7: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07]
    private static let pkcs9: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09]

    /// SignedData ::= { version, digestAlgorithms, { type, [0] content }, … }
    private static func signed(_ reader: inout BER, from start: Int, end: Int) -> Content? {
        guard let wrapper = reader.element(at: start, end: end, depth: 1), wrapper.tag == 0xA0,
            let data = reader.element(at: wrapper.content.lowerBound, end: wrapper.content.upperBound, depth: 2), data.tag == 0x30,
            let version = reader.element(at: data.content.lowerBound, end: data.content.upperBound, depth: 3),
            let digests = reader.element(at: version.next, end: data.content.upperBound, depth: 3),
            let inner = reader.element(at: digests.next, end: data.content.upperBound, depth: 3), inner.tag == 0x30,
            let type = reader.element(at: inner.content.lowerBound, end: inner.content.upperBound, depth: 4)
        else { return nil }
        guard let content = reader.element(at: type.next, end: inner.content.upperBound, depth: 4), content.tag == 0xA0,
            let octets = reader.element(at: content.content.lowerBound, end: content.content.upperBound, depth: 5)
        else { return .certificates }
        var out: [UInt8] = []
        reader.appendOctets(octets, to: &out, depth: 5)
        return .signed(out)
    }
}

/// Elements of ASN.1 in BER (X.690), lengths definite or not.
struct BER {
    struct Element {
        var tag: UInt8
        var content: Range<Int>
        var next: Int
    }

    private let bytes: [UInt8]
    private var seen = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func element(at start: Int, end: Int, depth: Int) -> Element? {
        seen += 1
        guard depth < CMS.depthMax, seen < CMS.elementsMax, start + 2 <= end, bytes[start] & 0x1F != 0x1F else { return nil }
        let tag = bytes[start]
        var at = start + 2
        let first = Int(bytes[start + 1])
        if first < 0x80 {
            guard at + first <= end else { return nil }
            return Element(tag: tag, content: at..<(at + first), next: at + first)
        }
        if first > 0x80 {
            let count = first & 0x7F
            guard count <= 4, at + count <= end else { return nil }
            let length = bytes[at..<(at + count)].reduce(0) { $0 << 8 | Int($1) }
            at += count
            // A cut-off envelope still gives what came.
            let stop = min(at + length, end)
            return Element(tag: tag, content: at..<stop, next: stop)
        }
        // Indefinite: elements up to two zero bytes.
        var place = at
        while place + 2 <= end {
            if bytes[place] == 0, bytes[place + 1] == 0 { return Element(tag: tag, content: at..<place, next: place + 2) }
            guard let inner = element(at: place, end: end, depth: depth + 1) else { return nil }
            place = inner.next
        }
        return Element(tag: tag, content: at..<end, next: end)
    }

    /// An OCTET STRING may be made of several.
    mutating func appendOctets(_ element: Element, to out: inout [UInt8], depth: Int) {
        if element.tag == 0x04 {
            out += bytes[element.content]
            return
        }
        guard element.tag == 0x24, depth < CMS.depthMax else { return }
        var place = element.content.lowerBound
        while place < element.content.upperBound,
            let inner = self.element(at: place, end: element.content.upperBound, depth: depth + 1)
        {
            appendOctets(inner, to: &out, depth: depth + 1)
            place = inner.next
        }
    }
}
