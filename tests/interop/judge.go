package main

import (
	"fmt"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// judge finds everything in a message that the SDK's definitions do not allow: violated rules and unknown fields, also within
// every annotation and response, whose types must be known.
func judge(message proto.Message) []string {
	var problems []string
	rules(message, &problems)
	look(message.ProtoReflect(), &problems)
	return problems
}

func rules(message proto.Message, problems *[]string) {
	if ruled, is := message.(interface{ ValidateAll() error }); is {
		if err := ruled.ValidateAll(); err != nil {
			*problems = append(*problems, err.Error())
		}
	}
}

func look(message protoreflect.Message, problems *[]string) {
	name := message.Descriptor().FullName()
	if unknown := message.GetUnknown(); len(unknown) > 0 {
		*problems = append(*problems, fmt.Sprintf("%s has unknown fields: %x", name, []byte(unknown)))
	}
	if packed, is := message.Interface().(*anypb.Any); is {
		lookInto(packed, problems)
		return
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap():
			if field.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, value protoreflect.Value) bool {
					look(value.Message(), problems)
					return true
				})
			}
		case field.IsList():
			for i := 0; field.Message() != nil && i < value.List().Len(); i++ {
				look(value.List().Get(i).Message(), problems)
			}
		case field.Message() != nil:
			look(value.Message(), problems)
		case field.Enum() != nil:
			if field.Enum().Values().ByNumber(value.Enum()) == nil {
				*problems = append(*problems, fmt.Sprintf("%s.%s is %d, which has no name", name, field.Name(), value.Enum()))
			}
		}
		return true
	})
}

func lookInto(packed *anypb.Any, problems *[]string) {
	kind, err := protoregistry.GlobalTypes.FindMessageByURL(packed.GetTypeUrl())
	if err != nil {
		*problems = append(*problems, fmt.Sprintf("%s: %v", packed.GetTypeUrl(), err))
		return
	}
	inner := kind.New()
	if err := proto.Unmarshal(packed.GetValue(), inner.Interface()); err != nil {
		*problems = append(*problems, fmt.Sprintf("%s: %v", packed.GetTypeUrl(), err))
		return
	}
	rules(inner.Interface(), problems)
	look(inner, problems)
}

// judge holds a sync's rows against what the SDK's syncer expects of a connector: every row by itself, ids that are there
// once, traits as declared, and nothing that points nowhere.
func (all *content) judge() []string {
	var problems []string
	seen := map[string]bool{}
	row := func(kind, id string, message proto.Message) {
		key := kind + " " + id
		if seen[key] {
			problems = append(problems, key+" is there twice")
		}
		seen[key] = true
		for _, problem := range judge(message) {
			problems = append(problems, key+": "+problem)
		}
	}
	must := func(who, kind, id string) {
		if !seen[kind+" "+id] {
			problems = append(problems, fmt.Sprintf("%s points to the %s %s, which is not there", who, kind, id))
		}
	}
	traits := map[string][]v2.ResourceType_Trait{}
	for _, kind := range all.types {
		row("type", kind.GetId(), kind)
		traits[kind.GetId()] = kind.GetTraits()
	}
	for _, resource := range all.resources {
		id := name(resource.GetId())
		row("resource", id, resource)
		must("resource "+id, "type", resource.GetId().GetResourceType())
		for _, trait := range traits[resource.GetId().GetResourceType()] {
			if want := traitMessage(trait); want != nil {
				if has := annotations.Annotations(resource.GetAnnotations()); !has.Contains(want) {
					problems = append(problems, fmt.Sprintf("resource %s lacks its trait %s", id, trait))
				}
			}
		}
	}
	for _, resource := range all.resources {
		if parent := resource.GetParentResourceId(); parent != nil {
			must("resource "+name(resource.GetId()), "resource", name(parent))
		}
	}
	for _, entitlement := range all.entitlements {
		row("entitlement", entitlement.GetId(), entitlement)
		must("entitlement "+entitlement.GetId(), "resource", name(entitlement.GetResource().GetId()))
		for _, kind := range entitlement.GetGrantableTo() {
			must("entitlement "+entitlement.GetId(), "type", kind.GetId())
		}
	}
	for _, grant := range all.grants {
		row("grant", grant.GetId(), grant)
		who := "grant " + grant.GetId()
		must(who, "entitlement", grant.GetEntitlement().GetId())
		must(who, "resource", name(grant.GetEntitlement().GetResource().GetId()))
		must(who, "resource", name(grant.GetPrincipal().GetId()))
	}
	return problems
}

func name(id *v2.ResourceId) string {
	return id.GetResourceType() + ":" + id.GetResource()
}

// traitMessage is the annotation that a resource must carry if its type declares a trait; not every trait has one.
func traitMessage(trait v2.ResourceType_Trait) proto.Message {
	switch trait {
	case v2.ResourceType_TRAIT_USER:
		return &v2.UserTrait{}
	case v2.ResourceType_TRAIT_GROUP:
		return &v2.GroupTrait{}
	case v2.ResourceType_TRAIT_ROLE:
		return &v2.RoleTrait{}
	case v2.ResourceType_TRAIT_APP:
		return &v2.AppTrait{}
	case v2.ResourceType_TRAIT_SECRET:
		return &v2.SecretTrait{}
	case v2.ResourceType_TRAIT_SECURITY_INSIGHT:
		return &v2.SecurityInsightTrait{}
	case v2.ResourceType_TRAIT_SCOPE_BINDING:
		return &v2.ScopeBindingTrait{}
	case v2.ResourceType_TRAIT_VENDOR:
		return &v2.VendorTrait{}
	case v2.ResourceType_TRAIT_VENDOR_AGREEMENT:
		return &v2.VendorAgreementTrait{}
	case v2.ResourceType_TRAIT_LICENSE_PROFILE:
		return &v2.LicenseProfileTrait{}
	case v2.ResourceType_TRAIT_AGENT:
		return &v2.AgentTrait{}
	case v2.ResourceType_TRAIT_MANAGED_DEVICE:
		return &v2.ManagedDeviceTrait{}
	default:
		return nil
	}
}
