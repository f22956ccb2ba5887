/// Letters outside ASCII in the letters, digits and hyphens of a domain name (RFC 3492).
enum Punycode {
    /// RFC 3492 §5.
    private static let base = 36, tMin = 1, tMax = 26, skew = 38, damp = 700, firstBias = 72, firstCode = 128

    /// - Returns: the label itself when it is ASCII; nil when it is too long to be one.
    static func label(_ text: Substring) -> String? {
        let codes = text.unicodeScalars.map { Int($0.value) }
        if codes.allSatisfy({ $0 < firstCode }) { return String(text) }
        guard codes.count <= DNSName.labelBytesMax else { return nil }
        let basic = codes.filter { $0 < firstCode }.map { UInt8($0) }
        var output = basic + (basic.isEmpty ? [] : [UInt8(ascii: "-")])
        var (code, delta, bias, handled) = (firstCode, 0, firstBias, basic.count)
        while handled < codes.count {
            guard let next = codes.filter({ $0 >= code }).min() else { return nil }
            delta += (next - code) * (handled + 1)  // at most 0x10ffff × 64, far from overflow
            code = next
            for other in codes {
                if other < code { delta += 1 }
                guard other == code else { continue }
                write(delta, bias, &output)
                bias = adapted(delta, handled + 1, isFirst: handled == basic.count)
                delta = 0
                handled += 1
            }
            delta += 1
            code += 1
        }
        return "xn--" + String(decoding: output, as: UTF8.self)
    }

    /// A number in digits of changing weight (RFC 3492 §6.3).
    private static func write(_ number: Int, _ bias: Int, _ output: inout [UInt8]) {
        var rest = number
        var place = base
        while true {
            let threshold = min(max(place - bias, tMin), tMax)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
            place += base
        }
        output.append(digit(rest))
    }

    private static func digit(_ value: Int) -> UInt8 { UInt8(value < 26 ? 0x61 + value : 0x30 + value - 26) }

    /// RFC 3492 §6.1.
    private static func adapted(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / damp : delta / 2
        delta += delta / count
        var steps = 0
        while delta > (base - tMin) * tMax / 2 {
            delta /= base - tMin
            steps += base
        }
        return steps + (base - tMin + 1) * delta / (delta + skew)
    }
}
