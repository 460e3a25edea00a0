package main

import (
	"fmt"
	"strings"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var kinds = []struct {
	id     string
	traits []v2.ResourceType_Trait
}{
	{"user", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}},
	{"group", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP}},
	{"role", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE}},
	{"app", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_APP}},
	{"secret", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_SECRET}},
	{"insight", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_SECURITY_INSIGHT}},
	{"binding", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_SCOPE_BINDING}},
	{"vendor", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_VENDOR}},
	{"agreement", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_VENDOR_AGREEMENT}},
	{"licence", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_LICENSE_PROFILE}},
	{"agent", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_AGENT}},
	{"device", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_MANAGED_DEVICE}},
	{"several", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE, v2.ResourceType_TRAIT_GROUP}},
	{"plain-thing", nil},
}

func pack(messages ...proto.Message) []*anypb.Any {
	var packed []*anypb.Any
	for _, message := range messages {
		one, err := anypb.New(message)
		if err != nil {
			panic(err) // A message of the SDK that it cannot encode.
		}
		packed = append(packed, one)
	}
	return packed
}

func fields(values map[string]any) *structpb.Struct {
	made, err := structpb.NewStruct(values)
	if err != nil {
		panic(err) // Values of this program that JSON does not have.
	}
	return made
}

func at(day int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 1, day, 3, 4, 5, 678901234, time.UTC))
}

func (all *content) add(kind, id, displayName string, traits ...proto.Message) *v2.Resource {
	row := &v2.Resource{Id: &v2.ResourceId{ResourceType: kind, Resource: id}, DisplayName: displayName, Annotations: pack(traits...)}
	all.resources = append(all.resources, row)
	return row
}

// people adds users: one with every field, one with the old places of fields, one with nothing, and the odd ids.
func (all *content) people() {
	full := all.add("user", "full", "Ada Lovelace", &v2.UserTrait{
		Emails: []*v2.UserTrait_Email{
			{Address: "second@example.com"}, {Address: "ada@example.com", IsPrimary: true},
		},
		AccountType:  v2.UserTrait_ACCOUNT_TYPE_SERVICE,
		Login:        "ada",
		LoginAliases: []string{"ada.l", "countess"},
		EmployeeIds:  []string{"0001", "A-1"},
		LastLogin:    at(2),
		MfaStatus:    &v2.UserTrait_MFAStatus{MfaEnabled: true},
		SsoStatus:    &v2.UserTrait_SSOStatus{},
		StructuredName: &v2.UserTrait_StructuredName{
			GivenName: "Ada", FamilyName: "Lovelace", MiddleNames: []string{"King", "Noel"}, Prefix: "Lady", Suffix: "I",
		},
	}, &v2.NonHumanIdentityTrait{NhiType: v2.NonHumanIdentityTrait_NHI_TYPE_APP_REGISTRATION, NhiDetail: "app"},
		&v2.ExternalLink{Url: "https://example.com/ada?a=b&c"}, &v2.RawId{Id: "raw-ada"}, &v2.Aliases{Ids: []string{"x", "y"}},
		&v2.V1Identifier{Id: "v1-ada"})
	full.Description = "Wrote the first program.\n\"Quoted\", and a comma"
	full.Profile = fields(map[string]any{
		"text": "a,b\r\n\"c\"", "number": 1.5, "big": 9007199254740991.0, "flag": false, "nothing": nil,
		"list": []any{"x", 1.0, map[string]any{"deep": true}}, "map": map[string]any{"a": map[string]any{}}, "ключ": "значение",
	})
	full.Icon = &v2.AssetRef{Id: "icon-ada"}
	full.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: "on leave"}
	full.CreatedAt = at(1)
	all.add("user", "old", "Old Places", &v2.UserTrait{
		Status:    &v2.UserTrait_Status{Status: v2.UserTrait_Status_STATUS_DELETED, Details: "gone"},
		Profile:   fields(map[string]any{"department": "Finance"}),
		Icon:      &v2.AssetRef{Id: "icon-old"},
		CreatedAt: at(3),
	})
	all.add("user", "bare", "", &v2.UserTrait{})
	for _, id := range oddIDs {
		all.add("user", id, id, &v2.UserTrait{Login: id})
	}
	all.add("user", strings.Repeat("long-", 204)+"1234", strings.Repeat("é", 500), &v2.UserTrait{})
}

// things adds a resource of every other kind, with every field of its trait.
func (all *content) things() {
	who := all.resources[0].GetId()
	app := all.add("app", "app", "Application", &v2.AppTrait{
		HelpUrl: "https://example.com/help", Logo: &v2.AssetRef{Id: "logo"}, Profile: fields(map[string]any{"tier": "gold"}),
		Flags:         []v2.AppTrait_AppFlag{v2.AppTrait_APP_FLAG_HIDDEN, v2.AppTrait_APP_FLAG_SAML},
		AppSourceType: "saml", RawAppSourceType: "SAML_2_0",
	})
	role := all.add("role", "scoped", "Scoped role", &v2.RoleTrait{
		Profile:             fields(map[string]any{"level": 3.0}),
		RoleScopeConditions: &v2.RoleScopeConditions{Type: "cel", Conditions: []*v2.RoleScopeCondition{{Expression: "a == b"}}},
	})
	secret := all.add("secret", "key-1", "API key", &v2.SecretTrait{
		Profile: fields(map[string]any{"prefix": "ak"}), CreatedAt: at(4), ExpiresAt: at(5), LastUsedAt: at(6),
		CreatedById: who, IdentityId: who, CredentialType: v2.SecretTrait_CREDENTIAL_TYPE_ASYMMETRIC_KEY, CredentialDetail: "ssh_key",
	})
	secret.ParentResourceId = app.GetId()
	all.add("insight", "risk", "Risk", &v2.SecurityInsightTrait{
		InsightType: &v2.SecurityInsightTrait_RiskScore{RiskScore: &v2.RiskScore{
			NormalizedScore: 42, SourceScore: "4.2/10", RiskFactors: []*v2.RiskFactor{{Description: "stale key"}},
		}},
		ObservedAt: at(7), Target: &v2.SecurityInsightTrait_ResourceId{ResourceId: who},
	})
	all.add("insight", "issue", "Issue", &v2.SecurityInsightTrait{
		InsightType: &v2.SecurityInsightTrait_Issue{Issue: &v2.Issue{Value: "CVE-2026-1", Severity: "high"}},
		Target: &v2.SecurityInsightTrait_AppUser{AppUser: &v2.SecurityInsightTrait_AppUserTarget{
			Email: "ada@example.com", ExternalId: "full",
		}},
	})
	all.add("binding", "b-1", "Scoped role on the application", &v2.ScopeBindingTrait{RoleId: role.GetId(), ScopeResourceId: app.GetId()})
	spend := &v2.Money{AmountMinor: 123456, CurrencyCode: "EUR"}
	all.add("vendor", "v-1", "Vendor", &v2.VendorTrait{
		VendorId: "v-1", VendorName: "Vendor, Inc.", VendorDbaName: "Vendor", WebsiteDomain: "vendor.example",
		ExternalVendorId: "ext", DeepLinkUrl: "https://vendor.example/v-1", SourceBusinessId: "b", SourceEntityId: "e", YtdSpend: spend,
	})
	all.add("agreement", "a-1", "Agreement", &v2.VendorAgreementTrait{
		AgreementName: "Yearly", StartDate: at(1), EndDate: at(30), LastDateToTerminate: at(20), AutoRenewal: true, TotalValue: spend,
		LineItems: []*v2.LineItem{{ProductOrServiceName: "Seats", Quantity: 12.5, Unit: "seat", PricePerUnit: spend, TotalPrice: spend}},
	})
	all.add("licence", "l-1", "Enterprise", &v2.LicenseProfileTrait{
		LicenseName: "Enterprise", PurchasedSeats: 100, ConsumedSeats: 3, CostPerUnitInCents: 1999, Currency: "EUR",
		EntitlementIds: []string{"app:app:use"},
	})
	agent := all.add("agent", "bot", "Bot", &v2.AgentTrait{
		Status: v2.AgentTrait_AGENT_STATUS_READY, IdentityResourceId: who, Profile: fields(map[string]any{"model": "m"}),
	})
	agent.ParentResourceId = app.GetId()
	all.add("device", "d-1", "Laptop", &v2.ManagedDeviceTrait{
		Serial: "S1", Udid: "U1", HardwareHash: "H1", DeviceType: v2.ManagedDeviceTrait_DEVICE_TYPE_LAPTOP, Model: "M", Vendor: "V",
		Os:         &v2.DeviceOS{Type: v2.DeviceOS_OS_TYPE_LINUX, Name: "Debian", Version: "13", Build: "1"},
		Compliance: v2.ManagedDeviceTrait_COMPLIANCE_IN_GRACE_PERIOD, IsEncrypted: wrapperspb.Bool(true), IsSupervised: wrapperspb.Bool(false),
		ManagementState: v2.ManagedDeviceTrait_MANAGEMENT_STATE_MANAGED, EnrolledAt: at(8),
	})
	all.add("several", "s", "Role and group", &v2.RoleTrait{}, &v2.GroupTrait{})
	all.add("plain-thing", "p", "Plain")
	use := all.hold(app, "use", func(row *v2.Entitlement) {
		row.Purpose = v2.Entitlement_PURPOSE_VALUE_PERMISSION
		row.Annotations = pack(&v2.EntitlementImmutable{SourceId: "elsewhere", Metadata: fields(map[string]any{"why": "because"})})
	})
	all.hold(role, "assigned", func(row *v2.Entitlement) {
		row.Annotations = pack(&v2.EntitlementExclusionGroup{ExclusionGroupId: "one-role", Order: 2, IsDefault: true})
	})
	all.hold(role, "ignored", func(row *v2.Entitlement) {
		row.Id, row.Slug, row.GrantableTo = "an id / of: no form 🦀", "", nil
		row.Purpose = v2.Entitlement_PURPOSE_VALUE_UNSPECIFIED
	})
	// Not the last one: with its id the id of a grant is longer than the SDK allows.
	for i, person := range all.resources[:len(oddIDs)+3] {
		all.grant(use, person, func(row *v2.Grant) {
			switch i {
			case 0:
				row.Annotations = pack(&v2.GrantMetadata{Metadata: fields(map[string]any{"ticket": "T-1"})}, &v2.GrantImmutable{SourceId: "s"})
			case 1:
				row.Id = "an id of its own: / 🦀"
			}
		})
	}
	for i, rule := range []proto.Message{
		&v2.ExternalResourceMatch{ResourceType: v2.ResourceType_TRAIT_USER, Key: "email", Value: "ada@example.com"},
		&v2.ExternalResourceMatchAll{ResourceType: v2.ResourceType_TRAIT_GROUP},
		&v2.ExternalResourceMatchID{Id: "elsewhere-1"},
	} {
		all.grant(all.entitlements[1], all.resources[i], func(row *v2.Grant) { row.Annotations = pack(rule) })
	}
}

// groups adds groups in groups, whose members hold what the groups hold.
func (all *content) groups() {
	var groups []*v2.Resource
	var member []*v2.Entitlement
	for i := range 6 {
		group := all.add("group", fmt.Sprintf("g%d", i), fmt.Sprintf("Group %d", i),
			&v2.GroupTrait{GroupSourceType: "native", RawGroupSourceType: "NATIVE", Profile: fields(map[string]any{"n": float64(i)})})
		groups = append(groups, group)
		member = append(member, all.hold(group, "member", nil))
	}
	owner := all.hold(groups[1], "owner", func(row *v2.Entitlement) { row.Purpose = v2.Entitlement_PURPOSE_VALUE_OWNERSHIP })
	people := all.resources
	for i, group := range member {
		all.grant(group, people[i], nil)
		all.grant(group, people[i+4], nil)
	}
	all.grant(owner, people[9], nil)
	// Whoever is in group 0 is in group 1, and so on, deep.
	all.grant(member[1], groups[0], expands(false, nil, member[0]))
	all.grant(member[2], groups[1], expands(false, nil, member[1], owner))
	// Of group 2 only those who are in it themselves, and of group 3 only users.
	all.grant(member[4], groups[2], expands(true, nil, member[2]))
	all.grant(member[4], groups[3], expands(false, []string{"user"}, member[3]))
	all.grant(member[5], groups[4], expands(false, []string{"group", "user"}, member[4]))
	// Somebody holds it directly, too.
	all.grant(member[5], people[0], nil)
	// What was expanded by its connector already.
	all.grant(member[3], people[11], func(row *v2.Grant) {
		row.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{
			member[3].GetId(): {IsDirect: true}, owner.GetId(): {},
		}}
	})
	role := all.add("role", "over-groups", "Held by groups", &v2.RoleTrait{})
	assigned := all.hold(role, "assigned", nil)
	all.grant(assigned, groups[5], expands(false, nil, member[5]))
	all.grant(assigned, groups[2], expands(true, []string{"user"}, member[2]))
}
