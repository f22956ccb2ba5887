public import Domain
import Formats

/// One filled-in form: all fields in the form's order, and what the mapping or the fields' names say about them.
public struct FormEntry: Sendable {
    var fields: [Interaction.Field]
    var id: String?
    var occurredAt: String?
    var name: String?
    var email: String?
    var phone: String?
    var subject: String?
    var text: String?

    init(fields: [Interaction.Field]) { self.fields = fields }

    public init(
        fields: [Interaction.Field], name: String?, email: String?, phone: String?, subject: String?, text: String?
    ) {
        self.fields = fields
        self.name = name
        self.email = email
        self.phone = phone
        self.subject = subject
        self.text = text
    }

    /// Fills what no mapping named from fields with well-known names.
    mutating func recognise() {
        for field in fields where !field.value.isEmpty {
            switch WellKnownField(field.name) {
            case .email where email == nil && Text.email(field.value) != nil: email = field.value
            case .name where name == nil: name = field.value
            case .phone where phone == nil && Text.phone(field.value) != nil: phone = field.value
            case .subject where subject == nil: subject = field.value
            case .text where text == nil: text = field.value
            default: break
            }
        }
    }

    /// The person's address and number are there only when they can be one.
    public func interaction(account: String, externalID: String, receivedAt: Timestamp) -> Interaction {
        let body = text.flatMap { $0.isEmpty ? nil : $0 } ?? fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
        let author = Interaction.Author(
            name: name.map(Text.trim).flatMap { $0.isEmpty ? nil : $0 }, email: email.flatMap(Text.email), phone: phone.flatMap(Text.phone))
        let subject = self.subject.map(Text.trim).flatMap { $0.isEmpty ? nil : $0 } ?? Text.firstLine(body)
        var form = Interaction(
            id: ID(0), account: account, externalID: externalID, kind: .form,
            occurredAt: min(occurredAt.flatMap(Self.time) ?? receivedAt, receivedAt), receivedAt: receivedAt, author: author,
            subject: subject, body: body)
        form.fields = fields
        return form
    }

    /// A date as exports write them, or seconds or milliseconds since 1970.
    static func time(_ text: String) -> Timestamp? {
        let trimmed = Text.trim(text)
        if let number = Int64(trimmed), number > 100_000_000 {
            return number >= 100_000_000_000 ? Timestamp(microseconds: number * 1000) : Timestamp(seconds: number)
        }
        return DateText.iso8601(trimmed) ?? DateText.anyFeedDate(trimmed)
    }
}

/// Names that forms give their fields, in English and Chinese. Letters and digits decide; case, spaces, hyphens and stars do not.
enum WellKnownField {
    case email, name, phone, subject, text

    init?(_ name: String) {
        let plain = String(name.lowercased().filter { $0.isLetter || $0.isNumber })
        guard let known = Self.names[plain] else { return nil }
        self = known
    }

    private static let names: [String: WellKnownField] = {
        let lists: [(WellKnownField, String)] = [
            (.email, "email mail emailaddress youremail contactemail 邮箱 电子邮件 电子邮箱 邮件 邮箱地址 邮件地址 您的邮箱 你的邮箱 電子郵件 郵箱"),
            (.name, "name fullname yourname contactname 姓名 名字 称呼 联系人 您的姓名 你的姓名 您的称呼 稱呼 聯絡人"),
            (.phone, "phone telephone tel mobile cell phonenumber mobilenumber yourphone 电话 手机 手机号 手机号码 电话号码 联系电话 联系方式 電話 手機"),
            (.subject, "subject topic title yoursubject 主题 标题 主題 標題"),
            (
                .text,
                "message text comment comments content body yourmessage feedback question 留言 内容 信息 消息 反馈 问题 意见 建议 留言内容 反馈内容 您的留言 內容 訊息"
            ),
        ]
        var names: [String: WellKnownField] = [:]
        for (field, list) in lists { for name in list.split(separator: " ") { names[String(name)] = field } }
        return names
    }()
}
