/// The kinds of records we ask for (RFC 1035 §3.2.2, RFC 3596).
enum DNSType: UInt16, Sendable {
    case a = 1
    case cname = 5
    case soa = 6
    case ptr = 12
    case mx = 15
    case txt = 16
    case aaaa = 28
}

/// What is against the format of a message; it is thrown away then.
struct DNSFormatError: Error, Equatable {
    let reason: String
}

/// A question and its packet (RFC 1035 §4).
struct DNSQuery: Sendable {
    /// What we take in one datagram without fragments on any path (the size that resolvers agreed on in 2020).
    static let datagramBytesMax = 1232

    let id: UInt16
    /// The question section, to be found unchanged in the answer.
    let question: [UInt8]
    let bytes: [UInt8]

    /// - Parameters:
    ///   - randomCase: see `DNSName.wire`.
    ///   - extended: says by EDNS(0) how much we take (RFC 6891); servers of before 1999 do not understand it.
    init(_ name: DNSName, _ type: DNSType, randomCase: Bool, extended: Bool) {
        id = UInt16.random(in: 0...UInt16.max)
        question = name.wire(randomCase: randomCase) + [0, UInt8(type.rawValue), 0, 1]
        // Recursion desired; one question; one additional record when extended.
        var bytes =
            [UInt8(id >> 8), UInt8(id & 0xff), 1, 0, 0, 1, 0, 0, 0, 0, 0, extended ? 1 : 0] + question
        if extended {
            bytes += [
                0, 0, 41, UInt8(Self.datagramBytesMax >> 8), UInt8(Self.datagramBytesMax & 0xff), 0, 0, 0,
                0, 0, 0,
            ]
        }
        self.bytes = bytes
    }

    /// Whether a packet is the answer to this very question; anything else may be forged.
    func isAnswered(by packet: [UInt8]) -> Bool {
        guard packet.count >= 12 + question.count, packet[0] == UInt8(id >> 8),
            packet[1] == UInt8(id & 0xff)
        else { return false }
        return packet[2] & 0x80 != 0 && packet[4] == 0 && packet[5] == 1
            && packet[12..<12 + question.count].elementsEqual(question)
    }
}

/// An answer, taken apart. Every length is checked against the packet, so no packet makes us read or loop further than its bytes.
struct DNSMessage: Sendable, Equatable {
    static let recordsMax = 512

    struct Record: Sendable, Equatable {
        let name: String
        let seconds: UInt32
        let data: Value
    }

    enum Value: Sendable, Equatable {
        case address(IPAddress)
        case mail(preference: UInt16, host: String)
        case text([UInt8])
        case pointer(String)
        case alias(String)
        /// How long a missing name may be remembered, in seconds (RFC 2308 §4).
        case authority(minimum: UInt32)
    }

    let code: UInt8
    let isTruncated: Bool
    let answers: [Record]
    let authority: [Record]

    init(_ packet: [UInt8]) throws(DNSFormatError) {
        var reader = DNSReader(packet)
        guard packet.count >= 12 else { throw DNSFormatError(reason: "it is shorter than a header") }
        isTruncated = packet[2] & 2 != 0
        code = packet[3] & 15
        reader.position = 4
        let (questions, answers, authority) = (
            try reader.number16(), try reader.number16(), try reader.number16()
        )
        guard questions <= 1, Int(answers) + Int(authority) <= Self.recordsMax else {
            throw DNSFormatError(
                reason: "it announces \(questions) questions and \(Int(answers) + Int(authority)) records")
        }
        reader.position = 12
        for _ in 0..<questions {
            _ = try reader.name()
            _ = try reader.number32()
        }
        self.answers = try Self.records(Int(answers), &reader, mayEndEarly: isTruncated)
        self.authority =
            isTruncated ? [] : try Self.records(Int(authority), &reader, mayEndEarly: false)
    }

    private static func records(_ count: Int, _ reader: inout DNSReader, mayEndEarly: Bool)
        throws(DNSFormatError) -> [Record]
    {
        var records: [Record] = []
        for _ in 0..<count {
            if mayEndEarly, reader.isAtEnd { break }
            if let record = try reader.record() { records.append(record) }
        }
        return records
    }
}

/// Reads a packet from front to back.
struct DNSReader {
    /// A name of 255 bytes has at most 127 labels; each may be reached by one pointer.
    static let jumpsMax = 127

    private let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func number8() throws(DNSFormatError) -> UInt8 {
        guard position < bytes.count else { throw DNSFormatError(reason: "it ends in the middle") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number16() throws(DNSFormatError) -> UInt16 {
        UInt16(try number8()) << 8 | UInt16(try number8())
    }

    mutating func number32() throws(DNSFormatError) -> UInt32 {
        UInt32(try number16()) << 16 | UInt32(try number16())
    }

    /// A name, which may end in a pointer to an earlier place (RFC 1035 §4.1.4). Each pointer must lead further back than the one before,
    /// so that none can lead in a circle.
    /// - Returns: lower case, without the final dot; empty for the root; nil for a name with bytes that no host name has.
    mutating func name() throws(DNSFormatError) -> String? {
        var name: [UInt8] = []
        var isPlain = true
        var place = position
        var limit = position
        var after: Int?
        var jumps = 0
        while true {
            guard place < bytes.count else { throw DNSFormatError(reason: "a name ends in the middle") }
            let length = Int(bytes[place])
            if length == 0 { break }
            if length & 0xc0 == 0xc0 {
                guard place + 1 < bytes.count else {
                    throw DNSFormatError(reason: "a name ends in the middle")
                }
                let target = (length & 0x3f) << 8 | Int(bytes[place + 1])
                jumps += 1
                guard target < limit, jumps <= Self.jumpsMax else {
                    throw DNSFormatError(reason: "a name points forward or in a circle")
                }
                after = after ?? place + 2
                (place, limit) = (target, target)
                continue
            }
            guard length <= DNSName.labelBytesMax, place + 1 + length <= bytes.count else {
                throw DNSFormatError(reason: "a part of a name is too long")
            }
            let label = bytes[place + 1..<place + 1 + length]
            if !label.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ".") }) {
                isPlain = false
            }
            if !name.isEmpty { name.append(UInt8(ascii: ".")) }
            name += label.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
            guard name.count <= DNSName.bytesMax else {
                throw DNSFormatError(reason: "a name is longer than 255 bytes")
            }
            place += 1 + length
        }
        position = after ?? place + 1
        return isPlain ? String(decoding: name, as: UTF8.self) : nil
    }

    /// Nil for one we have no use for.
    mutating func record() throws(DNSFormatError) -> DNSMessage.Record? {
        let owner = try name()
        let type = try number16()
        let kind = try number16()
        let seconds = try number32()
        let length = Int(try number16())
        let end = position + length
        guard end <= bytes.count else { throw DNSFormatError(reason: "a record ends in the middle") }
        defer { position = end }
        guard kind == 1, let owner, let type = DNSType(rawValue: type),
            let data = try value(type, until: end)
        else { return nil }
        guard position <= end else { throw DNSFormatError(reason: "a record is longer than it says") }
        // A number with its highest bit set counts as zero (RFC 2181 §8).
        return DNSMessage.Record(
            name: owner, seconds: seconds > UInt32(Int32.max) ? 0 : seconds, data: data)
    }

    private mutating func value(_ type: DNSType, until end: Int) throws(DNSFormatError) -> DNSMessage
        .Value?
    {
        switch type {
        case .a, .aaaa:
            guard end - position == (type == .a ? 4 : 16) else {
                throw DNSFormatError(reason: "an address has the wrong length")
            }
            return IPAddress(bytes: bytes[position..<end]).map { .address($0) }
        case .mx:
            let preference = try number16()
            return try name().map { .mail(preference: preference, host: $0) }
        case .cname: return try name().map { .alias($0) }
        case .ptr: return try name().map { .pointer($0) }
        case .txt:
            var text: [UInt8] = []
            while position < end {
                let length = Int(try number8())
                guard position + length <= end else {
                    throw DNSFormatError(reason: "a text is longer than its record")
                }
                text += bytes[position..<position + length]
                position += length
            }
            return .text(text)
        case .soa:
            _ = try name()
            _ = try name()
            for _ in 0..<4 { _ = try number32() }
            return .authority(minimum: try number32())
        }
    }
}
